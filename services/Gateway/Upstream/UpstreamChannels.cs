using Grpc.Net.Client;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Upstream;

/// <summary>The two channels of the process, made once and shared by all requests.</summary>
internal sealed class UpstreamChannels : IDisposable
{
    public UpstreamChannels(IOptions<GatewayOptions> options, UpstreamChannelFactory factory)
    {
        Tokenizer = new UpstreamService("Tokenizer", new Uri(options.Value.TokenizerAddress));
        Generator = new UpstreamService("Generator", new Uri(options.Value.GeneratorAddress));
        TokenizerChannel = factory(Tokenizer.Address);
        GeneratorChannel = factory(Generator.Address);
    }

    public UpstreamService Tokenizer { get; }

    public UpstreamService Generator { get; }

    public GrpcChannel TokenizerChannel { get; }

    public GrpcChannel GeneratorChannel { get; }

    public void Dispose()
    {
        TokenizerChannel.Dispose();
        GeneratorChannel.Dispose();
    }
}

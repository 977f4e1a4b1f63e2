using Grpc.Net.Client;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Upstream;

/// <summary>The channel to the Tokenizer, made once and shared by all requests.</summary>
internal sealed class UpstreamChannels : IDisposable
{
    public UpstreamChannels(IOptions<GatewayOptions> options, UpstreamChannelFactory factory)
    {
        Tokenizer = new UpstreamService("Tokenizer", new Uri(options.Value.TokenizerAddress));
        TokenizerChannel = factory(Tokenizer.Address);
    }

    public UpstreamService Tokenizer { get; }

    public GrpcChannel TokenizerChannel { get; }

    public void Dispose() => TokenizerChannel.Dispose();
}

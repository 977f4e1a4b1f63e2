using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Tests.Upstream;

public sealed class GeneratorFleetTests : IDisposable
{
    private static readonly EncodedPrompt Prompt = new(
        [.. Enumerable.Range(0, 64).Select(id => (uint)id)], "aa", TimeSpan.Zero, TimeSpan.Zero, null, "");

    private readonly GeneratorFleet _fleet = new(
        Options.Create(new GatewayOptions { GeneratorAddress = "dns:///generators:5083" }), address => GrpcChannel.ForAddress(address),
        TimeProvider.System, NullLogger<GeneratorFleet>.Instance);

    public void Dispose() => _fleet.Dispose();

    [Fact]
    public async Task ResolveAsync_AddressesComeAndGo_AreTheReplicas()
    {
        Assert.True(_fleet.IsBalanced);
        Assert.Null(_fleet.Pick(Prompt, "", new HashSet<GeneratorReplica>()));

        await ResolveAsync("10.0.0.1", "fd00::2");
        Assert.Equal(["http://10.0.0.1:5083/", "http://[fd00::2]:5083/"], _fleet.Replicas.Select(one => one.Address.AbsoluteUri));
        var (first, second) = (_fleet.Replicas[0], _fleet.Replicas[1]);
        using var lease = first.Begin(10);

        await ResolveAsync("10.0.0.3", "fd00::2");
        Assert.Same(second, _fleet.Replicas[0]);
        Assert.True(first.IsLeaving);
        Assert.Equal("http://10.0.0.3:5083/", _fleet.Replicas[1].Address.AbsoluteUri);
        // It still has a stream, so its channel stays.
        _fleet.Sweep();
        await Assert.ThrowsAsync<ChatException>(() => first.Client.GetLoadAsync(new CancellationToken(canceled: false)));
    }

    [Fact]
    public async Task ResolveAsync_NothingIsFound_LeavesAllAsItIs()
    {
        await ResolveAsync("10.0.0.1");
        await ResolveAsync();
        await _fleet.ResolveAsync((_, _) => throw new SocketException((int)SocketError.HostNotFound), CancellationToken.None);
        Assert.Single(_fleet.Replicas);
    }

    [Fact]
    public async Task Pick_SeveralAreThere_PrefersTheTokenizersOwnThenTheUnknown()
    {
        await ResolveAsync("10.0.0.1", "10.0.0.2", "10.0.0.3");
        var (none, other, own) = (_fleet.Replicas[0], _fleet.Replicas[1], _fleet.Replicas[2]);
        other.Description = Description("bb");
        own.Description = Description("aa");
        Assert.Same(own, _fleet.Pick(Prompt, "", new HashSet<GeneratorReplica>()));
        Assert.Same(none, _fleet.Pick(Prompt, "", new HashSet<GeneratorReplica> { own }));
        Assert.Null(_fleet.Pick(Prompt, "", new HashSet<GeneratorReplica> { own, none }));
    }

    [Fact]
    public async Task Pick_APromptThatOneHasComputed_GoesThereAgain()
    {
        await ResolveAsync("10.0.0.1", "10.0.0.2");
        foreach (var replica in _fleet.Replicas)
            replica.Description = Description("aa");
        _fleet.Learn(_fleet.Replicas[1], Prompt.Ids, [], "");
        for (var i = 0; i < 20; i++)
            Assert.Same(_fleet.Replicas[1], _fleet.Pick(Prompt, "", new HashSet<GeneratorReplica>()));
    }

    private static GeneratorDescription Description(string tokenizer) =>
        new("m", tokenizer, "", "", "", 100, new SamplingSettings(), []) { KvBlockTokens = 16 };

    private Task ResolveAsync(params string[] addresses) =>
        _fleet.ResolveAsync((_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()), CancellationToken.None);
}

using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Gateway.Tests;

/// <summary>
/// Compression over gRPC: requests may be compressed, under the same limit as others, and servers say what they understand. Answers are
/// small messages that come one by one, which compression only makes larger: they go as they are.
/// </summary>
public sealed class GrpcCompressionTests
{
    /// <summary>What the channel compresses a request by.</summary>
    private static readonly Metadata Gzip = new() { { "grpc-internal-encoding-request", "gzip" } };

    [Fact]
    public async Task Complete_CompressedRequest_IsRead()
    {
        await using var host = await GatewayHost.StartAsync();
        var handler = new HeaderWatch(host.Handler());
        using var channel = GrpcChannel.ForAddress("http://gateway", new GrpcChannelOptions { HttpHandler = handler });

        using var call = new ChatCompletion.ChatCompletionClient(channel).Complete(Request(new string('a', 5_000)), Gzip);
        var text = "";
        await foreach (var answer in call.ResponseStream.ReadAllAsync())
            text += answer.Delta?.Text;

        Assert.Equal("Hello, world!", text);
        Assert.Equal("gzip", handler.Sent);
        Assert.True(handler.SentBytes is > 0 and < 2000, $"{handler.SentBytes} bytes were sent.");
        Assert.Equal(5_000, host.Tokenizer.Chats.Single().Messages[0].Content.Length);
    }

    [Fact]
    public async Task Complete_CompressedRequestBeyondTheLimit_IsRefused()
    {
        await using var host = await GatewayHost.StartAsync();

        using var call = host.Client().Complete(Request(new string('a', 17 * 1024 * 1024)), Gzip);

        var fault = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.ResourceExhausted, fault.StatusCode);
        Assert.Empty(host.Tokenizer.Chats);
    }

    [Fact]
    public async Task Complete_UnknownEncoding_IsRefusedWithThoseThatAreKnown()
    {
        await using var host = await GatewayHost.StartAsync();
        var watch = new HeaderWatch(host.Handler());
        using var channel = GrpcChannel.ForAddress("http://gateway", new GrpcChannelOptions
        {
            HttpHandler = watch,
            CompressionProviders = [new Renamed()],
        });

        using var call = new ChatCompletion.ChatCompletionClient(channel).Complete(
            Request("Hi"), new Metadata { { "grpc-internal-encoding-request", Renamed.Name } });

        var fault = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.Unimplemented, fault.StatusCode);
        // The client keeps the header for itself.
        Assert.Contains("gzip", watch.Offered, StringComparison.Ordinal);
        Assert.Contains("gzip", fault.Status.Detail, StringComparison.Ordinal);
    }

    private static CompleteRequest Request(string text) =>
        new() { Chat = new() { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = text } } } };

    /// <summary>An encoding that no server knows.</summary>
    private sealed class Renamed : ICompressionProvider
    {
        public const string Name = "nobodys";

        public string EncodingName => Name;

        public Stream CreateCompressionStream(Stream stream, System.IO.Compression.CompressionLevel? compressionLevel) => stream;

        public Stream CreateDecompressionStream(Stream stream) => stream;
    }

    /// <summary>Notes what goes over the wire.</summary>
    private sealed class HeaderWatch(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        public string Sent { get; private set; } = "";

        public int SentBytes { get; private set; }

        public string Offered { get; private set; } = "";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Sent = string.Concat(request.Headers.GetValues("grpc-encoding"));
            using var copy = new MemoryStream();
            await request.Content!.CopyToAsync(copy, cancellationToken);
            SentBytes = (int)copy.Length;
            var content = new ByteArrayContent(copy.ToArray());
            content.Headers.ContentType = request.Content.Headers.ContentType;
            request.Content = content;
            var response = await base.SendAsync(request, cancellationToken);
            Offered = string.Concat(response.Headers.TryGetValues("grpc-accept-encoding", out var names) ? names : []);
            return response;
        }
    }
}

using System.Buffers.Binary;
using System.Net.Http.Headers;
using Google.Protobuf;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Gateway.Tests;

/// <summary>gRPC-Web as a browser speaks it: framed messages in a plain HTTP/1.1 POST.</summary>
public sealed class GrpcWebTests
{
    [Fact]
    public async Task Complete_OverHttp1_StreamsFramesAndTrailers()
    {
        await using var host = await GatewayHost.StartAsync();
        var message = new CompleteRequest { Chat = new() { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } } }
            .ToByteArray();
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        using var content = new ByteArrayContent(frame);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc-web+proto");

        using var response = await host.Http().PostAsync("/parley.gateway.v1.ChatCompletion/Complete", content);

        var body = await response.Content.ReadAsByteArrayAsync();
        var text = "";
        var trailers = "";
        for (var at = 0; at < body.Length;)
        {
            var payload = body.AsSpan(at + 5, BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at + 1)));
            if (body[at] == 0)
                text += CompleteResponse.Parser.ParseFrom(payload).Delta?.Text;
            else
                trailers += System.Text.Encoding.ASCII.GetString(payload);
            at += 5 + payload.Length;
        }

        Assert.Equal("Hello, world!", text);
        Assert.Contains("grpc-status: 0", trailers, StringComparison.Ordinal);
    }
}

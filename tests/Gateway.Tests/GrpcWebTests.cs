using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Google.Rpc;
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

        var (answers, trailers) = await CallAsync(host, new CompleteRequest { Chat = Chat("user") });

        Assert.Equal("Hello, world!", string.Concat(answers.Select(answer => answer.Delta?.Text)));
        Assert.Equal("0", trailers["grpc-status"]);
    }

    [Fact]
    public async Task Complete_WrongRequest_IsToldWithItsDetails()
    {
        await using var host = await GatewayHost.StartAsync();

        var (answers, trailers) = await CallAsync(host, new CompleteRequest { Chat = Chat("nobody"), Sampling = new() { TopP = 2 } });

        Assert.Empty(answers);
        Assert.Equal("3", trailers["grpc-status"]);
        var details = trailers["grpc-status-details-bin"];
        var status = Google.Rpc.Status.Parser.ParseFrom(Convert.FromBase64String(details.PadRight((details.Length + 3) / 4 * 4, '=')));
        Assert.Equal(3, status.Code);
        var fields = status.GetDetail<BadRequest>()!.FieldViolations.Select(violation => violation.Field);
        Assert.Equal(["chat.messages[0].role", "sampling.top_p"], fields);
    }

    private static Tokenizer.V1.Chat Chat(string role) =>
        new() { Messages = { new Tokenizer.V1.ChatMessage { Role = role, Content = "Hi" } } };

    private static async Task<(IReadOnlyList<CompleteResponse> Answers, Dictionary<string, string> Trailers)> CallAsync(
        GatewayHost host, CompleteRequest request)
    {
        var message = request.ToByteArray();
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        using var content = new ByteArrayContent(frame);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc-web+proto");
        using var response = await host.Http().PostAsync("/parley.gateway.v1.ChatCompletion/Complete", content);
        var body = await response.Content.ReadAsByteArrayAsync();
        var answers = new List<CompleteResponse>();
        // A call that ends before its first message has them as headers.
        var trailers = response.Headers.ToDictionary(header => header.Key, header => string.Concat(header.Value));
        for (var at = 0; at < body.Length;)
        {
            var payload = body.AsSpan(at + 5, BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at + 1)));
            if (body[at] == 0)
                answers.Add(CompleteResponse.Parser.ParseFrom(payload));
            else
                Read(Encoding.ASCII.GetString(payload), trailers);
            at += 5 + payload.Length;
        }

        return (answers, trailers);
    }

    private static void Read(string text, Dictionary<string, string> trailers)
    {
        foreach (var line in text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            trailers[line[..colon].Trim()] = line[(colon + 1)..].Trim();
        }
    }
}

using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OpenAI;
using OpenAI.Chat;
using Parley.Gateway.Tests.Doubles;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>A stream that fails after its beginning was sent looks failed to whoever reads it, and disturbs nobody else.</summary>
public sealed class BrokenStreamTests
{
    private const string Body = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}";

    private static Task<GatewayHost> StartAsync(bool onSockets) =>
        GatewayHost.StartAsync(onSockets: onSockets, arrange: host => host.Generator.Fault = (3, null));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_GeneratorIsCutOff_OpenAisClientThrows(bool onSockets)
    {
        await using var host = await StartAsync(onSockets);
        using var handler = onSockets ? new SocketsHttpHandler() : host.Handler();
        var client = new ChatClient("fake", new ApiKeyCredential("none"), new OpenAIClientOptions
        {
            Endpoint = new Uri(onSockets ? host.Http1 : new Uri("http://gateway"), "/v1"),
            Transport = new HttpClientPipelineTransport(new HttpClient(handler)),
            RetryPolicy = new ClientRetryPolicy(0),
        });

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("Hi")]))
                _ = update.ContentUpdate.Count;
        });

        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Stream_GeneratorIsCutOffOverHttp1_SendsTheErrorAndClosesWithoutAnEnd()
    {
        await using var host = await StartAsync(onSockets: true);
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, host.Http1.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n"
            + Body));

        // To the end of the connection: the server has closed it.
        var response = await new StreamReader(stream).ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 200", response, StringComparison.Ordinal);
        Assert.Contains(
            "data: {\"error\":{\"message\":\"The model is not available at the moment.\",\"type\":\"service_unavailable_error\"", response,
            StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", response, StringComparison.Ordinal);
        Assert.False(response.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal), response);
        Assert.DoesNotContain("10.1.2.3", response, StringComparison.Ordinal);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Stream_GeneratorIsCutOffOverHttp2_ResetsThatStreamAlone()
    {
        await using var host = await StartAsync(onSockets: true);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Generator.Fault = null;
        host.Generator.BeforeBatch = (number, token) => number < 2 ? Task.CompletedTask : gate.Task.WaitAsync(token);
        var connections = 0;
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                Interlocked.Increment(ref connections);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler)
        {
            BaseAddress = host.Http2,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var beside = await PostAsync(http);
        host.Generator.Fault = (3, null);
        host.Generator.BeforeBatch = (_, _) => Task.CompletedTask;
        using var failing = await PostAsync(http);
        var read = new StringBuilder();

        await Assert.ThrowsAnyAsync<IOException>(() => ReadAsync(failing, read));

        // A reset overtakes what a client has not read yet, so the event may be lost here; that the stream broke is not.
        Assert.DoesNotContain("[DONE]", read.ToString(), StringComparison.Ordinal);
        host.Generator.Fault = null;
        gate.SetResult();
        var whole = new StringBuilder();
        await ReadAsync(beside, whole);
        Assert.EndsWith("data: [DONE]\n\n", whole.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, connections);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Stream_RefusedAfterAKeepAlive_IsAnErrorEventAndBreaks()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await GatewayHost.StartAsync(null, time, onSockets: true);
        var waiting = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        host.Generator.BeforePrompt = async token =>
        {
            waiting.TrySetResult();
            await release.Task.WaitAsync(token);
            throw new RpcException(new Status(StatusCode.Unavailable, "draining"));
        };
        using var http = new HttpClient { BaseAddress = host.Http1 };
        var sending = PostAsync(http);
        await waiting.Task;

        time.Advance(TimeSpan.FromSeconds(10));
        using var response = await sending;
        release.SetResult();
        var read = new StringBuilder();
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(response, read));

        Assert.Contains(
            "data: {\"error\":{\"message\":\"The model is not available at the moment.\"", read.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", read.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Logprobs_PiecesCannotBeHad_FailsAsTheServiceDid(bool stream)
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true);
        host.Tokenizer.DecodeFault = new RpcException(new Status(StatusCode.Unavailable, FakeGenerator.TransportWords));
        using var http = new HttpClient { BaseAddress = host.Http1 };
        var body = Body.Replace("true", stream ? "true" : "false", StringComparison.Ordinal)[..^1] + ",\"logprobs\":true}";

        using var response = await http.SendAsync(
            new(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") },
            HttpCompletionOption.ResponseHeadersRead);
        var read = new StringBuilder();
        if (stream)
            await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(response, read));
        else
            read.Append(await response.Content.ReadAsStringAsync());

        Assert.Equal(stream ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("\"type\":\"service_unavailable_error\"", read.ToString(), StringComparison.Ordinal);
        Assert.Contains(host.Logs.Entries, line => line.Contains(
            "Tokenizer at http://tokenizer answered Unavailable", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Logs.Entries, line => line.Contains("the caller left", StringComparison.Ordinal));
        await host.AssertIdleAsync();
    }

    [Theory]
    [InlineData("step", "server_error")]
    [InlineData("cut", "service_unavailable_error")]
    public async Task Stream_Fails_GivesItsPermitBack(string how, string type)
    {
        await using var host = await GatewayHost.StartAsync(
            new() { ["ConcurrentChoicesMax"] = "1", ["ChoicesMax"] = "1" }, onSockets: true);
        using var http = new HttpClient { BaseAddress = host.Http1 };
        var failed = new FailedEvent { Code = FailureCode.StepFailed, Message = "OnnxRuntimeException at /srv/model.onnx" };
        host.Generator.Fault = (2, how == "cut" ? null : failed);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            using var response = await PostAsync(http);
            var read = new StringBuilder();
            await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(response, read));
            Assert.Contains($"\"type\":\"{type}\"", read.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("/srv/", read.ToString(), StringComparison.Ordinal);
            Assert.Single(read.ToString().Split("\"error\":").Skip(1));
        }

        await host.AssertIdleAsync();
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Version = http.DefaultRequestVersion,
            VersionPolicy = http.DefaultVersionPolicy,
            Content = new StringContent(Body, Encoding.UTF8, "application/json"),
        };
        return await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Reads to the end, or to the break, keeping what came.</summary>
    private static async Task ReadAsync(HttpResponseMessage response, StringBuilder into)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var buffer = new char[4096];
        for (int length; (length = await reader.ReadAsync(buffer)) > 0;)
            into.Append(buffer, 0, length);
    }
}

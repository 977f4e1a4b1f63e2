using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Parley.Aspire.Hosting;

namespace Parley.Aspire.Tests;

/// <summary>The sample as Aspire starts it: orchestrator, a Parley server on the demo model, the program that chats with it.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-aspire-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Sample_Started_ChatsWithAKeyAndIsOneTrace()
    {
        Orchestrator.Require();
        using var hang = new CancellationTokenSource(Orchestrator.HangTime);
        await using var sink = await TelemetrySink.StartAsync();
        var trace = RandomNumberGenerator.GetBytes(16);
        await using (var app = await StartAsync(sink, hang.Token))
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync("web", hang.Token);
            using var web = app.CreateHttpClient("web");
            using var server = app.CreateHttpClient("chat", ParleyResource.HttpEndpointName);

            Assert.Contains("chat.js", await web.GetStringAsync("/", hang.Token));
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
            {
                Content = JsonContent.Create(new[] { new { IsUser = true, Text = "what is a token?" } }),
                Headers = { { "traceparent", $"00-{Convert.ToHexStringLower(trace)}-00f067aa0ba902b7-01" } },
            };
            using var answer = await web.SendAsync(request, hang.Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.NotEmpty((await answer.Content.ReadAsStringAsync(hang.Token)).Trim());
            using var empty = await web.PostAsJsonAsync("/api/chat", Array.Empty<object>(), hang.Token);
            Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
            // The key is the sample's own, and nobody else's.
            using var strange = await server.GetAsync("/v1/models", hang.Token);
            Assert.Equal(HttpStatusCode.Unauthorized, strange.StatusCode);
            var connection = ParleyConnection.Parse((await app.GetConnectionStringAsync("chat", hang.Token))!, "chat");
            server.DefaultRequestHeaders.Authorization = new("Bearer", connection.Key);
            using var own = await server.GetAsync("/v1/models", hang.Token);
            Assert.Equal(HttpStatusCode.OK, own.StatusCode);
            await app.StopAsync(hang.Token);
        }

        // The name of a resource stands in each post of it.
        Assert.True(sink.Holds("/v1/traces", trace, Bytes("web"), Bytes("Parley.Client")), "the client's span is in the trace");
        Assert.True(sink.Holds("/v1/traces", trace, Bytes("chat"), Bytes("prefill")), "the server's stages are in the trace");
        Assert.True(sink.Holds("/v1/metrics", Bytes("chat"), Bytes("gen_ai.server.time_to_first_token")));
        Assert.True(sink.Holds("/v1/logs", Bytes("chat"), Bytes("Parley.Gateway")));
    }

    private async Task<DistributedApplication> StartAsync(TelemetrySink sink, CancellationToken cancellationToken)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AspireChat_AppHost>(cancellationToken);
        builder.Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = null;
        builder.Configuration["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = sink.Address;
        builder.CreateResourceBuilder<ParleyResource>("chat").WithModelStore(_folder).WithThreads(1);
        var app = await builder.BuildAsync(cancellationToken);
        try
        {
            await app.StartAsync(cancellationToken);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

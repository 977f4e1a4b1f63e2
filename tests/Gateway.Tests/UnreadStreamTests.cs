using System.Text;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests;

/// <summary>A caller that begins to read an answer and stops is given up, in each protocol; its place is free then.</summary>
public sealed class UnreadStreamTests
{
    private const string Chat = "\"model\":\"fake\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":5,\"stream\":true";

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/messages")]
    [InlineData("/api/chat")]
    public async Task Stream_ThatIsNotRead_IsGivenUpAndItsPermitIsFree(string path)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await GatewayHost.StartAsync(
            new() { ["ConcurrentChoicesMax"] = "1", ["ChoicesMax"] = "1", ["SlowReaderSeconds"] = "5" }, time);
        host.Generator.Script = _ => Enumerable.Repeat(FakeTokenizer.Ids("never ends "), int.MaxValue);
        using var unread = await PostAsync(host, path);
        await using var stream = await unread.Content.ReadAsStreamAsync();
        Assert.True(await stream.ReadAsync(new byte[8]) > 0);

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (host.Generator.Running > 0)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5, limit.Token);
        }

        Assert.True(
            host.Logs.Entries.Any(line => line.Contains("read nothing for 5 s", StringComparison.Ordinal)),
            string.Join('\n', host.Logs.Entries));
        host.Generator.Script = _ => FakeGenerator.Letters("next");
        await host.AssertIdleAsync();
        using var next = await PostAsync(host, path);
        Assert.True(next.IsSuccessStatusCode);
        host.Logs.AssertNoErrors();
    }

    private static async Task<HttpResponseMessage> PostAsync(GatewayHost host, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent($"{{{Chat}}}", Encoding.UTF8, "application/json"),
        };
        return await host.Http().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}

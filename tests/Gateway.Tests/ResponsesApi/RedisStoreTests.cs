using System.Diagnostics;
using System.Net;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.ResponsesApi;

/// <summary>Responses in a Redis as it is run, over a socket in a folder: no port.</summary>
public sealed class RedisStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-redis-").FullName;

    private string Socket => Path.Combine(_folder, "redis");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Post_PreviousResponseOfAnotherGateway_IsFoundUntilRedisEndsAndNothingWaitsForIt()
    {
        using var redis = await StartAsync();
        try
        {
            await using var one = await GatewayHost.StartAsync(new() { ["ResponseStore:Redis"] = $"!{Socket},password=sesame" });
            await using var other = await GatewayHost.StartAsync(new() { ["ResponseStore:Redis"] = $"!{Socket},password=sesame" });
            var id = (await one.PostAsync("""{"input":"Hi"}""")).Id();
            var next = await other.PostAsync($$"""{"input":"And?","previous_response_id":"{{id}}"}""");

            Assert.Equal(["Hi", "Hello, world!", "And?"], other.Tokenizer.Chats.Single().Messages.Select(message => message.Content));
            Assert.True(next.GetProperty("store").GetBoolean());

            redis.Kill();
            await redis.WaitForExitAsync();
            await one.GetAsync($"/v1/responses/{id}", HttpStatusCode.ServiceUnavailable);
            var kept = await one.PostAsync("""{"input":"Hi"}""");
            Assert.Equal(("Hello, world!", false), (kept.Text(), kept.GetProperty("store").GetBoolean()));
        }
        finally
        {
            if (!redis.HasExited)
                redis.Kill();
        }
    }

    private async Task<Process> StartAsync()
    {
        const string Program = "/usr/bin/redis-server";
        Assert.SkipUnless(File.Exists(Program), $"{Program} is not installed.");
        var process = Process.Start(new ProcessStartInfo(
            Program, ["--port", "0", "--unixsocket", Socket, "--requirepass", "sesame", "--save", "", "--dir", _folder])
        {
            RedirectStandardOutput = true,
        })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains("eady to accept connections", StringComparison.Ordinal))
                return process;
        }

        throw new InvalidOperationException("Redis ended before it was ready.");
    }
}

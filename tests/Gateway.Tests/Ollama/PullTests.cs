using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Parley.Gateway.Ollama;
using Parley.Gateway.Tests.Doubles;
using static Parley.Gateway.Tests.Ollama.OllamaCalls;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>Fetching models for callers: only where the host can, a setting allows it and the caller has a key.</summary>
public sealed class PullTests
{
    private static readonly Dictionary<string, string?> Allowed = new() { ["AllowPull"] = "true", ["ApiKey"] = "pk-one" };

    private readonly ScriptedPull _pull = new();

    private Task<GatewayHost> StartAsync(Dictionary<string, string?> settings, bool onSockets = false) => GatewayHost.StartAsync(
        settings, onSockets: onSockets, services: services => services.AddSingleton<IModelPull>(_pull));

    private static async Task<(int Status, List<JsonElement> Lines)> PullAsync(HttpClient http, string fields = "\"model\":\"org/one\"")
    {
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer pk-one");
        using var response = await http.PostAsync(
            "/api/pull", new StringContent($"{{{fields}}}", Encoding.UTF8, "application/json"));
        return ((int)response.StatusCode, Lines(await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Pull_WhereItIsAllowed_TellsItsStepsAndSuccess()
    {
        await using var host = await StartAsync(Allowed);

        var (status, lines) = await PullAsync(host.Http());
        var (whole, one) = await PullAsync(host.Http(), "\"name\":\"org/two\",\"stream\":false");

        Assert.Equal((200, 200), (status, whole));
        Assert.Equal(["downloading", "checking", "success"], lines.Select(line => line.GetProperty("status").GetString()));
        Assert.Equal((5, 10), (lines[0].GetProperty("completed").GetInt64(), lines[0].GetProperty("total").GetInt64()));
        Assert.Equal("success", Assert.Single(one).GetProperty("status").GetString());
        Assert.Equal(["org/one", "org/two"], _pull.Names);
    }

    [Theory]
    [InlineData("AllowPull", null, "Gateway:AllowPull allows it")]
    [InlineData("ApiKey", null, "only for callers with a key")]
    public async Task Pull_WhereItIsNotAllowed_Is403WithTheReason(string setting, string? value, string reason)
    {
        await using var host = await StartAsync(new(Allowed) { [setting] = value });

        var (status, lines) = await PullAsync(host.Http());

        Assert.Equal(403, status);
        Assert.Contains(reason, lines[0].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Empty(_pull.Names);
    }

    [Fact]
    public async Task Pull_GatewayByItself_Is403()
    {
        await using var host = await GatewayHost.StartAsync(Allowed);

        var (status, lines) = await PullAsync(host.Http());

        Assert.Equal(403, status);
        Assert.Contains("keeps no models", lines[0].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_FieldThatNobodyKnows_IsReadOverOrRefused()
    {
        await using var told = await StartAsync(Allowed);
        await using var strict = await StartAsync(new(Allowed) { ["UnknownFields"] = "Refuse" });
        const string Fields = "\"model\":\"org/one\",\"insecure\":false,\"frobnicate\":1,\"stream\":false";

        var (status, _) = await PullAsync(told.Http(), Fields);
        var (refused, lines) = await PullAsync(strict.Http(), Fields);

        Assert.Equal((200, 400), (status, refused));
        Assert.Equal("frobnicate is unknown.", Assert.Single(lines).GetProperty("error").GetString());
        Assert.Equal(["org/one"], _pull.Names);
    }

    [Fact]
    public async Task Pull_ThatFails_SaysWhy()
    {
        await using var host = await StartAsync(Allowed);
        _pull.Fault = "There is no org/one on the Hub.";

        var (_, lines) = await PullAsync(host.Http());
        var (status, one) = await PullAsync(host.Http(), "\"model\":\"org/one\",\"stream\":false");
        var (missing, _) = await PullAsync(host.Http(), "\"stream\":false");

        Assert.Equal(_pull.Fault, lines[^1].GetProperty("error").GetString());
        Assert.Equal((400, _pull.Fault, 400), (status, one[0].GetProperty("error").GetString(), missing));
    }

    [Fact]
    public async Task Pull_WhileAnotherRuns_Is429AndItsCallersLeavingEndsIt()
    {
        await using var host = await StartAsync(Allowed, onSockets: true);
        var cancelled = new TaskCompletionSource();
        _pull.Work = async token =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                cancelled.SetResult();
            }
        };
        using var http = new HttpClient { BaseAddress = host.Http1 };
        http.DefaultRequestHeaders.Add("Authorization", "Bearer pk-one");
        using var leaving = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/pull")
        {
            Content = new StringContent("{\"model\":\"org/one\"}", Encoding.UTF8, "application/json"),
        };
        using var first = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
        using var second = new HttpClient { BaseAddress = host.Http1 };

        var (status, _) = await PullAsync(second);
        first.Dispose();

        Assert.Equal(429, status);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }
}

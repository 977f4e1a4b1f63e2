using Microsoft.Extensions.Time.Testing;
using Parley.ModelHub.Tests.Doubles;
using Parley.TestSupport.Hub;

namespace Parley.ModelHub.Tests;

/// <summary>What one question tells of the Hub: whether it is there, knows the token, and what time it has.</summary>
public sealed class HubAnswerTests
{
    private static async Task<HubAnswer> AskAsync(HubSettings settings, TimeProvider? time = null)
    {
        using var http = ModelPull.CreateHttp(settings);
        return await HubAnswer.AskAsync(settings, http, time ?? TimeProvider.System, CancellationToken.None);
    }

    [Theory]
    [InlineData("hf_good", 200, "somebody")]
    [InlineData("hf_bad", 401, null)]
    [InlineData(null, 401, null)]
    public async Task Ask_WithOneTokenOrAnother_TellsWhoseItIs(string? token, int status, string? account)
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Token = "hf_good";

        var answer = await AskAsync(bench.Settings(token));

        Assert.Equal((status, account, null), (answer.Status, answer.Account, answer.Failure));
        Assert.Equal("/api/whoami-v2", Assert.Single(bench.Hub.Requests).Path);
    }

    [Theory]
    [InlineData(-7200)]
    [InlineData(0)]
    [InlineData(90)]
    public async Task Ask_AHubWithAClock_TellsHowFarOursIsAhead(int seconds)
    {
        await using var bench = await HubBench.StartAsync();
        var theirs = new DateTimeOffset(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);
        bench.Hub.Fault = _ => new HubFault { Headers = { ["Date"] = theirs.ToString("R") } };

        var answer = await AskAsync(bench.Settings(), new FakeTimeProvider(theirs.AddSeconds(seconds)));

        // Their second has no fractions, so it is taken for its middle.
        Assert.Equal(TimeSpan.FromSeconds(seconds - 0.5), answer.Skew);
    }

    [Fact]
    public async Task Ask_NobodyThere_SaysWhy()
    {
        var bench = await HubBench.StartAsync();
        var settings = bench.Settings();
        await bench.DisposeAsync();

        var answer = await AskAsync(settings);

        Assert.Null(answer.Status);
        Assert.False(string.IsNullOrEmpty(answer.Failure));
    }

    [Fact]
    public async Task Ask_AnAnswerThatIsNoJson_NamesNobody()
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Body = _ => "<html>";

        Assert.Equal((200, null), (await AskAsync(bench.Settings("hf_good")) is var answer ? (answer.Status, answer.Account) : default));
    }
}

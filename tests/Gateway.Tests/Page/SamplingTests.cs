using Microsoft.Playwright;

namespace Parley.Gateway.Tests.Page;

/// <summary>The controls of sampling: where they stand, what they send and what they refuse.</summary>
[Collection(ChromiumCollection.Name)]
public sealed class SamplingTests(Chromium chromium)
{
    private const string Varying = """
        {"object":"list","data":[{"id":"fake","max_model_len":10000,
          "default_sampling":{"temperature":0.6,"top_p":0.95,"top_k":20,"max_tokens":512}}]}
        """;

    private const string Greedy = """
        {"object":"list","data":[{"id":"fake","max_model_len":10000,
          "default_sampling":{"temperature":0},"varied_sampling":{"temperature":1,"top_p":0.9}}]}
        """;

    private static readonly string[] SamplingNames =
        ["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens", "max_completion_tokens"];

    [Fact]
    public async Task Controls_Untouched_StandAtTheModelsDefaultsAndSendNothing()
    {
        await using var chat = await ChatPage.OpenAsync(chromium, models: Varying);
        await chat.OpenSettingsAsync();

        Assert.Equal("0.6", await chat.Page.InputValueAsync("#temperature"));
        Assert.Equal("0.95", await chat.Page.InputValueAsync("#top-p"));
        Assert.Equal("0", await chat.Page.InputValueAsync("#min-p"));
        await ChatPage.HasTextAsync(chat.Page.Locator("#temperature-value"), "0.6 (model's default)");
        await Assertions.Expect(chat.Page.GetByLabel("Top-k")).ToHaveAttributeAsync("placeholder", "20 (model's default)");
        await Assertions.Expect(chat.Page.GetByLabel("Longest answer")).ToHaveAttributeAsync("placeholder", "512 (model's default)");
        await chat.AskAsync("first");

        Assert.DoesNotContain(SamplingNames, name => chat.Requests[0].TryGetProperty(name, out _));
    }

    [Fact]
    public async Task Control_Changed_IsSentAloneAndKeptAcrossReload()
    {
        await using var chat = await ChatPage.OpenAsync(chromium, models: Varying);
        await chat.OpenSettingsAsync();
        await chat.Page.FillAsync("#temperature", "1.2");
        await chat.Page.FillAsync("#top-p", "0.5");
        await chat.Page.FillAsync("#top-p", "0.95");
        await chat.Page.ReloadAsync();
        await chat.AskAsync("first");

        Assert.Equal(1.2, chat.Requests[0].GetProperty("temperature").GetDouble());
        Assert.Equal(["temperature"], SamplingNames.Where(name => chat.Requests[0].TryGetProperty(name, out _)));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1.5")]
    [InlineData("-3")]
    [InlineData("many")]
    public async Task LongestAnswer_ImpossibleValue_IsRefusedByItsLabelAndNothingIsSent(string value)
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.OpenSettingsAsync();
        await chat.Page.GetByLabel("Longest answer").FillAsync(value);

        await ChatPage.HasTextAsync(chat.Page.GetByRole(AriaRole.Alert), "Longest answer takes whole numbers from 1.");
        await chat.SendAsync("first");
        await Assertions.Expect(chat.Page.GetByLabel("Longest answer")).ToBeFocusedAsync();
        Assert.Equal("first", await chat.Page.InputValueAsync("#prompt"));
        await ChatPage.CountIsAsync(chat.Questions, 0);
        await chat.Page.GetByLabel("Longest answer").FillAsync("7");
        await chat.AskAsync("first");

        Assert.Equal(7, Assert.Single(chat.Requests).GetProperty("max_tokens").GetInt32());
    }

    [Fact]
    public async Task Regenerate_WhereTheDefaultsAreGreedy_SendsTheVariedSamplingAndSaysSo()
    {
        await using var chat = await ChatPage.OpenAsync(chromium, models: Greedy);
        await chat.AskAsync("first");
        await ChatPage.IsHiddenAsync(chat.LastAnswer.GetByText("varied on purpose"));

        await chat.LastAnswer.GetByText("Regenerate").ClickAsync();
        await ChatPage.HasTextAsync(chat.LastAnswer, "varied on purpose (temperature 1, top-p 0.9)");
        await chat.EndAsync();

        Assert.False(chat.Requests[0].TryGetProperty("temperature", out _));
        Assert.Equal(1, chat.Requests[1].GetProperty("temperature").GetDouble());
        Assert.Equal(0.9, chat.Requests[1].GetProperty("top_p").GetDouble());
    }

    [Fact]
    public async Task Regenerate_WhereTheReaderChoseATemperature_KeepsIt()
    {
        await using var chat = await ChatPage.OpenAsync(chromium, models: Greedy);
        await chat.OpenSettingsAsync();
        await chat.Page.FillAsync("#temperature", "0.3");
        await chat.AskAsync("first");

        await chat.LastAnswer.GetByText("Regenerate").ClickAsync();
        await chat.EndAsync();

        Assert.Equal(0.3, chat.Requests[1].GetProperty("temperature").GetDouble());
        Assert.False(chat.Requests[1].TryGetProperty("top_p", out _));
    }

    [Fact]
    public async Task Figures_OfAnAnswerInOnePacket_AreTheServersOwn()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.Page.RouteAsync("**/v1/chat/completions", route => route.FulfillAsync(new()
        {
            ContentType = "text/event-stream",
            Body = """
                data: {"choices":[{"index":0,"delta":{"content":"All at once."},"finish_reason":"stop"}]}

                data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":11},"timings":{"decode_ms":250}}

                data: [DONE]


                """,
        }));

        await chat.AskAsync("first");

        await ChatPage.HasTextAsync(chat.LastAnswer.Locator(".figures"), "11 tokens · 40.0 tokens/s");
    }
}

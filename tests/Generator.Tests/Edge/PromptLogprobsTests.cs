using Grpc.Core;
using Parley.Generator.Tests.Doubles;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>What the model thought of a prompt, over the contract.</summary>
public sealed class PromptLogprobsTests
{
    [Fact]
    public async Task Generate_PromptLogprobs_ComeBehindThePromptAndBeforeTheFirstToken()
    {
        await using var app = await GeneratorApp.StartAsync();
        var prompt = EngineBench.Prompt(40);
        var events = await app.GenerateAsync(Request(prompt, new() { MaxTokens = 3, IgnoreEos = true, PromptLogprobs = 2 }));

        var told = events.Where(e => e.PromptLogprobs is not null).Select(e => e.PromptLogprobs).ToList();
        Assert.Equal(1u, told[0].Start);
        Assert.Equal(39, told.Sum(one => one.Tokens.Count));
        for (var i = 1; i < told.Count; i++)
            Assert.Equal(told[i - 1].Start + told[i - 1].Tokens.Count, told[i].Start);
        foreach (var token in told.SelectMany(one => one.Tokens))
        {
            Assert.Equal(2, token.Top.Count);
            Assert.True(token.Top[0].Logprob >= token.Top[1].Logprob);
            Assert.Equal(token.Rank <= 2, token.Top.Any(top => top.Logprob == token.Logprob));
        }

        var kinds = events.Where(e => e.Progress is null).Select(e => e.EventCase).ToList();
        Assert.Equal(Wire.GenerateResponse.EventOneofCase.Prompt, kinds[0]);
        Assert.True(kinds.LastIndexOf(Wire.GenerateResponse.EventOneofCase.PromptLogprobs)
            < kinds.IndexOf(Wire.GenerateResponse.EventOneofCase.Tokens));
        Assert.Equal(
            EngineBench.Expected(prompt, EngineBench.Greedy(3)), events.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids));
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_MaxTokensZeroWithPromptLogprobs_SaysNothing()
    {
        await using var app = await GeneratorApp.StartAsync();
        var events = await app.GenerateAsync(Request([1, 2, 3], new() { MaxTokens = 0, PromptLogprobs = 0 }));
        Assert.Equal(2, events.Sum(e => e.PromptLogprobs?.Tokens.Count ?? 0));
        Assert.DoesNotContain(events, e => e.Tokens is not null);
        Assert.Equal((Wire.FinishReason.MaxTokens, 0u), (events[^1].Finished.Reason, events[^1].Finished.Usage.CompletionTokens));
    }

    [Fact]
    public async Task Generate_PromptLogprobsThatCannotBe_AreRefusedByField()
    {
        await using var app = await GeneratorApp.StartAsync();
        var resumed = Request([1, 2, 3], new() { MaxTokens = 9, PromptLogprobs = 1 });
        resumed.ResumeIds.Add(4);
        Assert.Contains("sampling.prompt_logprobs", await FaultAsync(app, resumed), StringComparison.Ordinal);
        Assert.Contains(
            "sampling.prompt_logprobs", await FaultAsync(app, Request([1], new() { PromptLogprobs = 21 })), StringComparison.Ordinal);
        Assert.Contains("sampling.max_tokens", await FaultAsync(app, Request([1], new() { MaxTokens = 0 })), StringComparison.Ordinal);
    }

    private static async Task<string> FaultAsync(GeneratorApp app, Wire.GenerateRequest request)
    {
        var fault = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(request));
        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        return fault.Status.Detail;
    }

    private static Wire.GenerateRequest Request(uint[] prompt, Wire.SamplingParameters sampling) =>
        new() { PromptIds = { prompt }, Sampling = sampling };
}

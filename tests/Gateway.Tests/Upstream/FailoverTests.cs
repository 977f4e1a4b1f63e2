using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Tests.Upstream;

/// <summary>Answers that lose their Generator: the caller is told the same as if nothing had happened.</summary>
public sealed class FailoverTests
{
    private const string Answer = "Hello, world!";

    public static TheoryData<int> Tokens => [.. Enumerable.Range(0, Answer.Length)];

    [Theory]
    [MemberData(nameof(Tokens))]
    public async Task Complete_GeneratorIsLostAtAToken_IsTheSameAnswer(int token)
    {
        await using var host = await FleetAsync();
        BreakOnce(host, (token, null));

        var events = await CompleteAsync(host, Request());

        Assert.Equal(Answer, TextOf(events));
        var completed = Assert.Single(events, one => one.Completed is not null);
        Assert.Same(completed, events[^1]);
        Assert.Equal(new Usage { PromptTokens = 8, CachedTokens = 3, CompletionTokens = 13 }, completed.Completed.Usage);
        Assert.Equal((token == 0 ? 0u : 1, 0u), (completed.Completed.Timings.Resumes, completed.Completed.Timings.InexactResumes));
        var (first, second) = Calls(host);
        Assert.Empty(first.ResumeIds);
        Assert.Equal(FakeTokenizer.Ids(Answer).Take(token), second.ResumeIds);
        // It is drawn by the first, and the second goes on with it.
        Assert.False(first.Sampling.HasSeed);
        Assert.Equal(42ul, second.Sampling.Seed);
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Complete_SeveralChoicesLoseTheirGenerators_AllGoOn()
    {
        await using var host = await FleetAsync();
        var broken = 0;
        foreach (var generator in host.Generators)
        {
            generator.Fault = (5, null);
            generator.OnFault = () =>
            {
                if (Interlocked.Increment(ref broken) == 2)
                    host.Generators.ToList().ForEach(one => one.Fault = null);
            };
        }

        var request = Request();
        request.N = 2;
        request.Sampling.Seed = 7;
        request.Stop.Add("ld");
        var events = await CompleteAsync(host, request);

        Assert.Equal(("Hello, wor", "Hello, wor"), (TextOf(events), TextOf(events, choice: 1)));
        Assert.Equal(1, events.Count(one => one.Completed is not null));
        Assert.All(host.Generators.SelectMany(one => one.Requests).GroupBy(one => one.Sampling.Seed), calls =>
            Assert.Equal(1, calls.Count(call => call.ResumeIds.Count == 0)));
    }

    [Fact]
    public async Task Complete_LogprobsAcrossTheLoss_AreOneForEachToken()
    {
        await using var host = await FleetAsync();
        BreakOnce(host, (4, null));
        var request = Request();
        request.Sampling.Logprobs = true;

        var events = await CompleteAsync(host, request);

        var deltas = events.Where(one => one.Delta is not null).Select(one => one.Delta).ToList();
        Assert.Equal(FakeTokenizer.Ids(Answer), deltas.SelectMany(delta => delta.Ids));
        Assert.Equal(Answer.Length, deltas.Sum(delta => delta.Logprobs.Count));
    }

    [Theory]
    [InlineData("bits", "others")]
    [InlineData("", "")]
    public async Task Complete_GeneratorsOfOtherOrUnknownBits_SaysSo(string first, string second)
    {
        await using var host = await FleetAsync(
            arrange: one => (one.Generators[0].Numerics, one.Generators[1].Numerics) = (first, second));
        BreakOnce(host, (4, null));

        var events = await CompleteAsync(host, Request());

        Assert.Equal(Answer, TextOf(events));
        Assert.Equal((1u, 1u), (events[^1].Completed.Timings.Resumes, events[^1].Completed.Timings.InexactResumes));
    }

    [Theory]
    [InlineData(FailureCode.ShuttingDown, true)]
    [InlineData(FailureCode.StepFailed, true)]
    [InlineData(FailureCode.Unhealthy, true)]
    [InlineData(FailureCode.ModelFault, false)]
    [InlineData(FailureCode.NothingToChoose, false)]
    public async Task Complete_GeneratorFailsTheSequence_MovesWhereThatMayHelp(FailureCode code, bool moves)
    {
        await using var host = await FleetAsync();
        BreakOnce(host, (4, new Parley.Generator.V1.FailedEvent { Code = code, Message = "broken", Retryable = moves }));

        var events = await CompleteAsync(host, Request());

        Assert.Equal(moves, TextOf(events) == Answer);
        Assert.Equal(moves, events[^1].Completed is not null);
        Assert.Equal(moves ? 2 : 1, host.Generators.Sum(one => one.Requests.Count));
    }

    [Fact]
    public async Task Complete_MirostatIsLostBehindItsFirstToken_FailsAsItCannotBeResumed()
    {
        await using var host = await FleetAsync();
        BreakOnce(host, (4, null));
        var request = Request();
        request.Sampling.Processors = new Processors { Mirostat = 2 };

        var events = await CompleteAsync(host, request);

        Assert.Equal("unavailable", events[^1].Failed.Code);
        Assert.Equal(1, host.Generators.Sum(one => one.Requests.Count));
    }

    [Fact]
    public async Task Complete_LostWhilePromptIsJudged_JudgesEachTokenOnce()
    {
        await using var host = await FleetAsync();
        BreakOnce(host, (0, null));
        var request = Request();
        request.Sampling.PromptLogprobs = 0;

        var events = await CompleteAsync(host, request);

        var starts = events.Where(one => one.PromptLogprobs is not null).Select(one => one.PromptLogprobs.Start);
        Assert.Equal([1u, 4, 7], starts);
        Assert.Equal(Answer, TextOf(events));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Complete_LostBehindTheLastToken_EndsAsItWouldHave(bool byEos)
    {
        var last = FakeTokenizer.Ids(Answer)[^1];
        await using var host = await FleetAsync(arrange: one =>
        {
            foreach (var generator in one.Generators)
                generator.EosTokenIds = byEos ? [last] : [];
        });
        BreakOnce(host, (int.MaxValue, null));
        var request = Request();
        if (!byEos)
            request.Sampling.MaxTokens = (uint)Answer.Length;

        var events = await CompleteAsync(host, request);

        Assert.Equal(Answer, TextOf(events));
        var finished = Assert.Single(events, one => one.ChoiceFinished is not null).ChoiceFinished;
        Assert.Equal(byEos ? V1.FinishReason.Stop : V1.FinishReason.Length, finished.Reason);
        Assert.Equal(42ul, finished.Seed);
        Assert.Equal(1, host.Generators.Sum(one => one.Requests.Count));
    }

    [Theory]
    [InlineData(StatusCode.Unavailable)]
    [InlineData(StatusCode.ResourceExhausted)]
    [InlineData(StatusCode.FailedPrecondition)]
    [InlineData(StatusCode.Internal)]
    public async Task Complete_OneGeneratorRefuses_TheOtherAnswers(StatusCode status)
    {
        await using var host = await FleetAsync();
        host.Generators[0].Refusal = new RpcException(new Status(status, "not now"));

        for (var i = 0; i < 8; i++)
            Assert.Equal(Answer, TextOf(await CompleteAsync(host, Request($"Hi {i}"))));
    }

    [Theory]
    [InlineData(StatusCode.ResourceExhausted)]
    [InlineData(StatusCode.Unavailable)]
    public async Task Complete_AllGeneratorsRefuse_IsToldOnceEachWasAsked(StatusCode status)
    {
        await using var host = await FleetAsync();
        foreach (var generator in host.Generators)
            generator.Refusal = new RpcException(new Status(status, "not now"));

        var refused = await Assert.ThrowsAsync<RpcException>(() => CompleteAsync(host, Request()));

        Assert.Equal(status, refused.StatusCode);
        Assert.Equal([1, 1], host.Generators.Select(one => one.Requests.Count));
    }

    [Fact]
    public async Task Complete_RequestIsAtFault_IsAskedOnceAndOpensNoBreaker()
    {
        await using var host = await FleetAsync(settings: new() { ["BreakerFaultsMax"] = "1" });
        var refusal = new Google.Rpc.Status
        {
            Code = (int)StatusCode.InvalidArgument,
            Details = { Google.Protobuf.WellKnownTypes.Any.Pack(new Google.Rpc.BadRequest()) },
        }.ToRpcException();
        foreach (var generator in host.Generators)
            generator.Refusal = refusal;

        for (var i = 0; i < 6; i++)
            await Assert.ThrowsAsync<RpcException>(() => CompleteAsync(host, Request()));

        Assert.Equal(6, host.Generators.Sum(one => one.Requests.Count));
        Assert.All(Fleet(host), replica => Assert.True(replica.Breaker.IsClosed));
    }

    [Fact]
    public async Task Complete_AGeneratorFailsAgainAndAgain_IsLeftAloneForAWhile()
    {
        var time = new FakeTimeProvider();
        await using var host = await FleetAsync(new() { ["BreakerFaultsMax"] = "2", ["PrefixBlocksMax"] = "0" }, time: time);
        host.Generators[0].Refusal = new RpcException(new Status(StatusCode.Unavailable, "gone"));

        for (var i = 0; i < 40; i++)
            Assert.Equal(Answer, TextOf(await CompleteAsync(host, Request())));
        Assert.Equal(2, host.Generators[0].Requests.Count);

        host.Generators[0].Refusal = null;
        time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 40; i++)
            Assert.Equal(Answer, TextOf(await CompleteAsync(host, Request())));
        Assert.InRange(host.Generators[0].Requests.Count, 3, 42);
    }

    [Fact]
    public async Task Complete_BudgetOfSecondAttemptsIsSpent_FailsWithTheFault()
    {
        await using var host = await FleetAsync(
            new() { ["ConcurrentChoicesMax"] = "2", ["ChoicesMax"] = "1", ["FailoverRatio"] = "0", ["BreakerFaultsMax"] = "1000" });
        foreach (var generator in host.Generators)
            generator.Fault = (3, null);

        // The first has an attempt elsewhere and is lost there at its sixth token; the second has the last one.
        for (var i = 0; i < 2; i++)
            await CompleteAsync(host, Request());
        var asked = host.Generators.Sum(one => one.Requests.Count);
        var events = await CompleteAsync(host, Request());

        Assert.Equal("unavailable", events[^1].Failed.Code);
        Assert.Equal(asked + 1, host.Generators.Sum(one => one.Requests.Count));
    }

    [Fact]
    public async Task Complete_OneGeneratorAlone_FailsAsItIsLost()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Fault = (3, null);

        var events = await CompleteAsync(host, Request());

        Assert.Equal("unavailable", events[^1].Failed.Code);
        Assert.Single(host.Generator.Requests);
    }

    [Fact]
    public async Task Complete_OneGeneratorAloneComesBack_GoesOn()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["ResumeWaitSeconds"] = "60" });
        host.Generator.Fault = (3, null);
        host.Generator.OnFault = () => host.Generator.Fault = null;

        var events = await CompleteAsync(host, Request());

        Assert.Equal(Answer, TextOf(events));
        Assert.Equal((1u, 0u), (events[^1].Completed.Timings.Resumes, events[^1].Completed.Timings.InexactResumes));
        Assert.Equal(2, host.Generator.Requests.Count);
    }

    [Theory]
    [InlineData("no answer")]
    [InlineData("stands")]
    [InlineData("works")]
    public async Task Complete_AGeneratorFallsSilent_IsLeftWhereItHangs(string how)
    {
        var time = new FakeTimeProvider();
        await using var host = await FleetAsync(time: time);
        var silent = new TaskCompletionSource();
        var goesOn = new TaskCompletionSource();
        var hung = 0;
        foreach (var generator in host.Generators)
        {
            generator.BeforeBatch = async (number, token) =>
            {
                if (number != 4 || Interlocked.Exchange(ref hung, 1) == 1)
                    return;
                if (how == "no answer")
                    generator.Load = null;
                silent.SetResult();
                await goesOn.Task.WaitAsync(token);
            };
            generator.Load = new GetLoadResponse { RunningSequences = 1 };
        }

        var answer = CompleteAsync(host, Request());
        await silent.Task;
        for (var i = 0; i < 12; i++)
        {
            foreach (var generator in host.Generators.Where(_ => how == "works"))
                generator.Load = new GetLoadResponse { RunningSequences = 1, Steps = (ulong)i + 1 };
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(20);
        }

        if (how == "works")
            goesOn.SetResult();
        var events = await answer;
        Assert.Equal(Answer, TextOf(events));
        Assert.Equal(how == "works" ? 0u : 1, events[^1].Completed.Timings.Resumes);
        await host.AssertIdleAsync();
    }

    private static Task<GatewayHost> FleetAsync(
        Dictionary<string, string?>? settings = null, Action<GatewayHost>? arrange = null, TimeProvider? time = null) =>
        GatewayHost.StartAsync(settings, time, arrange, generators: 2);

    private static IReadOnlyList<Gateway.Upstream.GeneratorReplica> Fleet(GatewayHost host) =>
        ((Gateway.Upstream.GeneratorFleet)host.Services.GetService(typeof(Gateway.Upstream.GeneratorFleet))!).Replicas;

    /// <summary>Whichever is asked first breaks, the other does not.</summary>
    private static void BreakOnce(GatewayHost host, (int Batch, Parley.Generator.V1.FailedEvent? Event) fault)
    {
        foreach (var generator in host.Generators)
        {
            generator.Fault = fault;
            generator.OnFault = () => host.Generators.ToList().ForEach(one => one.Fault = null);
        }
    }

    private static (GenerateRequest First, GenerateRequest Second) Calls(GatewayHost host)
    {
        Assert.All(host.Generators, one => Assert.Single(one.Requests));
        var calls = host.Generators.Select(one => one.Requests.Single())
            .OrderBy(one => one.ResumeIds.Count + (one.Sampling.HasSeed ? 1 : 0));
        return (calls.First(), calls.Last());
    }

    private static CompleteRequest Request(string text = "Hi") => new()
    {
        Chat = new Parley.Tokenizer.V1.Chat { Messages = { new ChatMessage { Role = "user", Content = text } } },
        Sampling = new SamplingParameters(),
    };

    private static async Task<List<CompleteResponse>> CompleteAsync(GatewayHost host, CompleteRequest request)
    {
        using var call = host.Client().Complete(request);
        return await call.ResponseStream.ReadAllAsync().ToListAsync();
    }

    private static string TextOf(IEnumerable<CompleteResponse> events, uint choice = 0) =>
        string.Concat(events.Where(one => one.Delta?.Choice == choice).Select(one => one.Delta.Text));
}

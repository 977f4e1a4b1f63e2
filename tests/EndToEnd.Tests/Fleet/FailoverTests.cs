using System.Diagnostics;
using Grpc.Core;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.ServiceDefaults;

namespace Parley.EndToEnd.Tests.Fleet;

/// <summary>Real Generators that are lost in the middle of answers: what callers get is what they would have got.</summary>
[Collection(DemoCollection.Name)]
public sealed class FailoverTests(DemoSystem system)
{
    private const string Schema =
        """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string","maxLength":20}},"required":["a","b"]}""";

    [Fact]
    public async Task Complete_ConnectionIsCutAtAnyByte_IsTheSameAnswer()
    {
        await using var fleet = await FleetSystem.StartAsync(system);
        var resumes = 0u;
        foreach (var (index, kind) in ((string[])["greedy", "seeded", "guided", "logprobs", "stop", "choices"]).Index())
        {
            var expected = Seen(await fleet.Chat.CollectAsync(Request(kind)));
            for (var bytes = index * 7; bytes < 1200; bytes += 43)
            {
                fleet.CutAfter(bytes);
                var events = await fleet.Chat.CollectAsync(Request(kind));
                var completed = events.Completed();
                Assert.Equal(expected, Seen(events));
                Assert.Equal(0u, completed.Timings.InexactResumes);
                resumes += completed.Timings.Resumes;
            }
        }

        // Many of the cuts lie within answers, some in what Generators say of themselves.
        Assert.InRange(resumes, 20u, 600u);
    }

    [Fact]
    public async Task Complete_GeneratorsAreKilledInTurn_IsTheSameAnswer()
    {
        await using var fleet = await FleetSystem.StartAsync(system);
        var request = Request("seeded");
        request.Sampling.MaxTokens = 600;
        var expected = Seen(await fleet.Chat.CollectAsync(request));

        for (var turn = 0; turn < 4; turn++)
        {
            using var call = fleet.Chat.Complete(request);
            var events = new List<CompleteResponse>();
            var killed = -1;
            await foreach (var reply in call.ResponseStream.ReadAllAsync())
            {
                events.Add(reply);
                if (killed < 0 && reply.Delta is not null)
                {
                    killed = turn % 2;
                    fleet.Generators[killed].Dispose();
                }
            }

            events.Completed();
            Assert.Equal(expected, Seen(events));
            await fleet.RestartAsync(killed);
        }
    }

    [Fact]
    public async Task Complete_GeneratorsAreRolledUnderLoad_LosesNothing()
    {
        await using var fleet = await FleetSystem.StartAsync(system);
        var request = Request("seeded");
        request.Sampling.MaxTokens = 300;
        var expected = Seen(await fleet.Chat.CollectAsync(request));
        using var rolled = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 6).Select(async _ =>
        {
            var answers = 0;
            for (; !rolled.IsCancellationRequested; answers++)
            {
                var events = await fleet.Chat.CollectAsync(request);
                events.Completed();
                Assert.Equal(expected, Seen(events));
            }

            return answers;
        }).ToList();

        for (var turn = 0; turn < 4; turn++)
        {
            // What has begun may take no second: it is handed over, and the process ends in order.
            await fleet.Generators[turn % 2].TerminateAsync();
            Assert.Equal(0, (await fleet.Generators[turn % 2].ExitAsync()).Code);
            await fleet.RestartAsync(turn % 2);
        }

        await rolled.CancelAsync();
        Assert.All(await Task.WhenAll(callers), answers => Assert.NotEqual(0, answers));
    }

    [Fact]
    public async Task Complete_AGeneratorIsStopped_TheAnswerMoves()
    {
        await using var fleet = await FleetSystem.StartAsync(
            system, "--Gateway:GeneratorSilenceSeconds=1", "--Gateway:DescribeSecondsMax=1");
        var request = Request("seeded");
        request.Sampling.MaxTokens = 2000;
        var expected = Seen(await fleet.Chat.CollectAsync(request));

        using var call = fleet.Chat.Complete(request);
        var events = new List<CompleteResponse>();
        var stopped = -1;
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            events.Add(reply);
            if (stopped < 0 && reply.Delta is not null)
            {
                stopped = await BusyAsync(fleet);
                await SignalAsync(fleet.Generators[Math.Max(0, stopped)], "STOP");
            }
        }

        await SignalAsync(fleet.Generators[Math.Max(0, stopped)], "CONT");
        events.Completed();
        Assert.Equal(expected, Seen(events));
    }

    /// <summary>The Generator that works; the first where it was done in the meantime.</summary>
    private static async Task<int> BusyAsync(FleetSystem fleet)
    {
        for (var i = 0; i < fleet.Addresses.Count; i++)
        {
            using var channel = GrpcClientDefaults.CreateChannel(fleet.Addresses[i]);
            var load = await new Generation.GenerationClient(channel).GetLoadAsync(new GetLoadRequest());
            if (load.RunningSequences > 0)
                return i;
        }

        return 0;
    }

    private static async Task SignalAsync(ServiceProcess process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    private static CompleteRequest Request(string kind)
    {
        var sampling = new SamplingParameters { Temperature = kind == "greedy" ? 0 : 1.1f, MaxTokens = 40 };
        if (kind != "greedy")
            sampling.Seed = 11;
        if (kind == "guided")
            sampling.Guide = new Guide { JsonSchema = Schema };
        if (kind == "logprobs")
            (sampling.Logprobs, sampling.TopLogprobs) = (true, 2);
        var request = Conversations.Ask("what is a token?", sampling, kind == "stop" ? ["."] : []);
        if (kind == "choices")
            request.N = 3;
        return request;
    }

    /// <summary>All that a caller sees of an answer, but how it was cut into pieces and how long it took.</summary>
    private static List<string> Seen(IReadOnlyList<CompleteResponse> events) => [.. events
        .Where(one => one.Delta is not null).Select(one => one.Delta).GroupBy(delta => delta.Choice).OrderBy(choice => choice.Key)
        .Select(choice => $"{choice.Key}: {string.Concat(choice.Select(delta => delta.Text))} "
            + $"[{string.Join(' ', choice.SelectMany(delta => delta.Ids))}] "
            + string.Join(' ', choice.SelectMany(delta => delta.Logprobs))),
        .. events.Where(one => one.ChoiceFinished is not null).Select(one => one.ChoiceFinished).OrderBy(one => one.Choice)
            .Select(one => $"{one.Choice}: {one.Reason} '{one.Stop}' {one.StopTokenId}"),
        $"{events[^1].Completed?.Usage.CompletionTokens}"];
}

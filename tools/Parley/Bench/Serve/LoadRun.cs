namespace Parley.Cli.Bench.Serve;

/// <summary>Runs the levels of a load against a server.</summary>
/// <param name="target">The server.</param>
/// <param name="prompts">What it is asked.</param>
/// <param name="options">How.</param>
/// <param name="time">The clock.</param>
internal sealed class LoadRun(IChatTarget target, PromptSource prompts, ServeOptions options, TimeProvider time)
{
    /// <summary>Prompts of one level and of another never meet.</summary>
    private const int LevelStride = 1_000_003;

    private int _level;

    /// <summary>The first failure's detail: what a person wants to see who meets hundreds.</summary>
    public string? FirstFailure { get; private set; }

    /// <summary>Each of some streams sends its requests one after the other.</summary>
    public async Task<LevelResult> RunClosedAsync(int streams, Action<LevelRecorder> started, CancellationToken cancellationToken)
    {
        var recorder = new LevelRecorder(streams, options.Targets, time);
        var first = Begin();
        return await MeasureAsync(recorder, started, async () =>
            await Task.WhenAll(Enumerable.Range(0, streams).Select(stream => RunStreamAsync(recorder, first, stream, cancellationToken))));
    }

    /// <summary>Requests arrive by chance at a mean rate, whether or not those before them are answered.</summary>
    public async Task<LevelResult> RunOpenAsync(
        double requestsPerSecond, Action<LevelRecorder> started, CancellationToken cancellationToken)
    {
        var recorder = new LevelRecorder(0, options.Targets, time);
        var first = Begin();
        var arrivals = PoissonArrivals.Draw(requestsPerSecond, TimeSpan.FromSeconds(options.DurationSeconds), options.Seed);
        var loop = new OpenLoop(options.OutstandingMax, time);
        var result = await MeasureAsync(recorder, started, () => loop.RunAsync(
            arrivals,
            (index, due) => RunOneAsync(recorder, prompts.Prompt(first + index), options.AnswerTokensMax, due, cancellationToken),
            () => recorder.Fail("not sent: outstanding"),
            cancellationToken));
        return result with { RequestsPerSecond = requestsPerSecond };
    }

    /// <summary>Requests that nobody measures, one after the other.</summary>
    /// <exception cref="UserErrorException">One fails: so would the others.</exception>
    public async Task WarmUpAsync(int requests, CancellationToken cancellationToken)
    {
        var first = Begin();
        for (var i = 0; i < requests; i++)
        {
            var answer = await ProbeAsync(prompts.Prompt(first + i), options.AnswerTokensMax, cancellationToken);
            if (answer.Failure is { } kind)
                throw new UserErrorException($"The warm-up failed ({kind}): {answer.Detail}");
        }
    }

    /// <summary>One request outside of every level.</summary>
    public Task<ChatAnswer> ProbeAsync(string prompt, int tokensMax, CancellationToken cancellationToken) => RunOneAsync(
        new LevelRecorder(0, options.Targets, time), prompt, tokensMax, time.GetTimestamp(), cancellationToken);

    private int Begin() => unchecked(_level++ * LevelStride) & int.MaxValue;

    private async Task<LevelResult> MeasureAsync(LevelRecorder recorder, Action<LevelRecorder> started, Func<Task> run)
    {
        started(recorder);
        var client = Environment.CpuUsage.TotalTime;
        var server = ProcessorTime.Of(options.ServerProcessIds);
        var begun = time.GetTimestamp();
        await run();
        var seconds = time.GetElapsedTime(begun).TotalSeconds;
        var serverTime = ProcessorTime.Of(options.ServerProcessIds) - server;
        var clientTime = Environment.CpuUsage.TotalTime - client;
        var result = recorder.Summarize(seconds);
        var tokens = Math.Max(1, result.OutputTokens);
        return result with
        {
            ClientMicrosecondsPerToken = clientTime.TotalMicroseconds / tokens,
            ServerMicrosecondsPerToken = serverTime?.TotalMicroseconds / tokens,
        };
    }

    private async Task RunStreamAsync(LevelRecorder recorder, int first, int stream, CancellationToken cancellationToken)
    {
        for (var request = 0; request < options.RequestsPerStream; request++)
        {
            var prompt = prompts.Prompt(first + (stream * options.RequestsPerStream) + request);
            await RunOneAsync(recorder, prompt, options.AnswerTokensMax, time.GetTimestamp(), cancellationToken);
        }
    }

    private async Task<ChatAnswer> RunOneAsync(
        LevelRecorder recorder, string prompt, int tokensMax, long due, CancellationToken cancellationToken)
    {
        var clock = new StreamClock(recorder, due);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(options.TimeoutSeconds), time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        ChatAnswer answer;
        try
        {
            recorder.Sent(time.GetElapsedTime(due));
            answer = await target.RunAsync(prompt, tokensMax, clock, linked.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            answer = ChatAnswer.Failed("timeout", $"No end within {options.TimeoutSeconds} s.");
        }
        finally
        {
            clock.Closed();
        }

        if (answer.Failure is { } kind)
            FirstFailure ??= $"{kind}: {answer.Detail}";
        recorder.Ended(clock, answer);
        return answer;
    }
}

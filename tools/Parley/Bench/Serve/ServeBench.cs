using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Parley.ServiceDefaults;
using Spectre.Console;

namespace Parley.Cli.Bench.Serve;

/// <summary><c>parley bench serve</c>: load on a running server, in a closed or an open loop.</summary>
internal static class ServeBench
{
    public static Command CreateCommand(IAnsiConsole console)
    {
        var arguments = new ServeArguments();
        var command = new Command(
            "serve", "Load on a running server: time to first token, pauses, tokens per second, share of requests in time.");
        arguments.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var options = arguments.Read(result);
            var asJson = result.GetValue(arguments.Json);
            using var target = await ConnectAsync(options, arguments.Key(result), cancellationToken);
            var report = await RunAsync(asJson ? null : console, target, options, cancellationToken);
            if (asJson)
                Console.Out.WriteLine(report.ToJson());
            else
                report.Write(console);
            return report.Levels.All(level => level.Completed > 0) ? 0 : 1;
        });
        return command;
    }

    /// <summary>Runs all levels, with progress where there is a console for it.</summary>
    public static async Task<ServeReport> RunAsync(
        IAnsiConsole? console, IChatTarget target, ServeOptions options, CancellationToken cancellationToken)
    {
        var machine = MachineFacts.Read();
        var startedAt = TimeProvider.System.GetUtcNow();
        var lines = options.PromptFile is { } file ? await LinesAsync(file, cancellationToken) : [];
        var prompts = await PromptsAsync(target, options, lines, cancellationToken);
        var run = new LoadRun(target, prompts, options, TimeProvider.System);
        await run.WarmUpAsync(options.WarmUpRequests, cancellationToken);
        var levels = console is null
            ? await LevelsAsync(run, options, (_, _) => Watch.Nothing, cancellationToken)
            : await console.Progress()
                .Columns(new SpinnerColumn(), new TaskDescriptionColumn(), new ProgressBarColumn(), new ElapsedTimeColumn())
                .StartAsync(context => LevelsAsync(run, options, (name, total) => new Watch(context, name, total), cancellationToken));
        if (run.FirstFailure is { } failure)
            await Console.Error.WriteLineAsync($"first failure: {failure}");
        return new ServeReport(machine, startedAt, options, levels);
    }

    private static async Task<IChatTarget> ConnectAsync(ServeOptions options, string? apiKey, CancellationToken cancellationToken) =>
        options.Protocol == ServeArguments.Grpc
            ? new GrpcTarget(GrpcClientDefaults.CreateChannel(new Uri(options.Url)), options.Request, apiKey)
            : await OpenAiTarget.ConnectAsync(new Uri(options.Url), options.Request, apiKey, handler: null, cancellationToken);

    private static async Task<List<LevelResult>> LevelsAsync(
        LoadRun run, ServeOptions options, Func<string, double, Watch> watch, CancellationToken cancellationToken)
    {
        var levels = new List<LevelResult>();
        if (options.RequestsPerSecond.Count == 0)
        {
            foreach (var streams in options.Streams)
            {
                using var watching = watch($"{streams} streams", streams * options.RequestsPerStream);
                levels.Add(await run.RunClosedAsync(streams, watching.Follow, cancellationToken));
            }
        }

        foreach (var rate in options.RequestsPerSecond)
        {
            using var watching = watch(
                string.Create(CultureInfo.InvariantCulture, $"{rate} requests/s"), Math.Max(1, rate * options.DurationSeconds));
            levels.Add(await run.RunOpenAsync(rate, watching.Follow, cancellationToken));
        }

        return levels;
    }

    private static async Task<IReadOnlyList<string>> LinesAsync(string file, CancellationToken cancellationToken)
    {
        if (!File.Exists(file))
            throw new UserErrorException($"--prompt-file: {Path.GetFullPath(file)} does not exist.");
        var lines = (await File.ReadAllLinesAsync(file, cancellationToken)).Where(line => line.Trim().Length > 0).ToArray();
        return lines.Length > 0 ? lines : throw new UserErrorException($"--prompt-file: {Path.GetFullPath(file)} has no lines.");
    }

    /// <summary>Words for the wanted tokens: two trial prompts say what the template and what a word costs.</summary>
    private static async Task<PromptSource> PromptsAsync(
        IChatTarget target, ServeOptions options, IReadOnlyList<string> lines, CancellationToken cancellationToken)
    {
        const int shortWords = 8;
        const int longWords = 72;
        if (options.PromptTokens == 0 || lines.Count > 0)
            return new PromptSource(options.PromptWords, options.SharedPrefix, lines, options.Seed);
        var trial = new LoadRun(target, new PromptSource(shortWords, 0, [], 0), options, TimeProvider.System);
        var few = await trial.ProbeAsync(new PromptSource(shortWords, 0, [], -1).Prompt(1), 1, cancellationToken);
        var many = await trial.ProbeAsync(new PromptSource(longWords, 0, [], -2).Prompt(2), 1, cancellationToken);
        var perWord = (double)(many.PromptTokens - few.PromptTokens) / (longWords - shortWords);
        if (few.Failure is not null || perWord <= 0)
            throw new UserErrorException(
                $"--prompt-tokens: the server counts no prompt tokens ({few.Failure} {few.Detail}); use --prompt-words.");
        var template = few.PromptTokens - (shortWords * perWord);
        var words = (int)Math.Round((options.PromptTokens - template) / perWord);
        var shared = (int)Math.Round(Math.Max(0, options.SharedPrefix - template) / perWord);
        if (words < 1)
            throw new UserErrorException($"--prompt-tokens: the template alone has {template:0} tokens.");
        return new PromptSource(words, Math.Min(shared, words - 1), [], options.Seed);
    }

    /// <summary>A level's line in the progress, kept up to date until it is disposed.</summary>
    private sealed class Watch(ProgressContext? context, string name, double total) : IDisposable
    {
        public static readonly Watch Nothing = new(null, "", 1);

        private readonly ProgressTask? _task = context?.AddTask(name, maxValue: total);
        private readonly CancellationTokenSource _stop = new();

        public void Follow(LevelRecorder recorder)
        {
            if (_task is not null)
                _ = FollowAsync(_task, recorder);
        }

        public void Dispose()
        {
            if (_task is null)
                return;
            _stop.Cancel();
            _task.Value = total;
            _task.StopTask();
        }

        private async Task FollowAsync(ProgressTask task, LevelRecorder recorder)
        {
            var started = Stopwatch.GetTimestamp();
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
            try
            {
                while (await timer.WaitForNextTickAsync(_stop.Token))
                {
                    var rate = recorder.Told / Stopwatch.GetElapsedTime(started).TotalSeconds;
                    task.Value = recorder.Completed + recorder.Failed;
                    task.Description = string.Create(
                        CultureInfo.InvariantCulture, $"{name}: {recorder.Completed} done, {recorder.Failed} failed, {rate:0} tok/s");
                }
            }
            catch (OperationCanceledException)
            {
                // The level is over.
            }
        }
    }
}

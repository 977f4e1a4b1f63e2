using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Generator;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.Machine;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Benchmarks.Drafts;

/// <summary>
/// What drafts by the model's own head are worth, where they are right as often as one says: the same engine and package, whole answers
/// without drafts and with, by turns. That they are the same tokens is checked.
/// </summary>
internal sealed class HeadDraftTable : IDisposable
{
    private const int PromptTokens = 64;
    private const int Tokens = 96;
    private const int Rounds = 3;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly GenerationEngine _engine;
    private readonly AdmissionQueue _queue;
    private readonly SteeredRunner _runner;
    private readonly uint[] _prompt;
    private int _lastId;

    private HeadDraftTable(string folder, int ahead)
    {
        var options = new GeneratorOptions { PackageDirectory = folder, Drafts = "head", HeadDraftTokensMax = ahead };
        var model = new PackageOpener(Options.Create(options), NullLoggerFactory.Instance).Open();
        var size = HostMemoryPlan.Compute(options, model.Shape, model.KvBytesPerToken, model.WeightBytes, ProcessLimits.Current).Cache;
        _queue = new AdmissionQueue(options.QueuedRequestsMax, options.QueuedPromptTokensMax, TimeProvider.System);
        _runner = new SteeredRunner(model.CreateRunner(size));
        _engine = new GenerationEngine(
            _runner, model.Defaults.EosTokenIds, options.ToLimits(size.ContextTokensMax), _queue, TimeProvider.System,
            new GeneratorTelemetry(_services.GetRequiredService<IMeterFactory>()), NullLogger.Instance);
        var random = new Random(1);
        _prompt = [.. Enumerable.Range(0, PromptTokens).Select(_ => (uint)random.Next(model.Shape.VocabularySize))];
    }

    /// <summary>Prints the table.</summary>
    /// <param name="arguments">
    /// The package's folder; numbers of streams, with commas between them; shares of right guesses in percent, 80 where none is given; and
    /// <c>--ahead=N</c> for one number of tokens ahead alone.
    /// </param>
    public static void Print(string[] arguments)
    {
        const string Option = "--ahead=";
        var only = arguments.Where(argument => argument.StartsWith(Option, StringComparison.Ordinal))
            .Select(argument => int.Parse(argument[Option.Length..], CultureInfo.InvariantCulture)).ToList();
        arguments = [.. arguments.Where(argument => !argument.StartsWith(Option, StringComparison.Ordinal))];
        var streamCounts = arguments[1].Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture)).ToList();
        int[] shares = arguments.Length > 2 ? [.. arguments.Skip(2).Select(share => int.Parse(share, CultureInfo.InvariantCulture))] : [80];
        Console.WriteLine("| Streams | Ahead | Right, set | Right, of guesses | Tokens a step | Step, ms | With, ms | Of it the head "
            + "| Without, tok/s | With, tok/s | Ratio |");
        Console.WriteLine("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var ahead in only.Count > 0 ? only : [1, 2, 3])
        {
            using var bench = new HeadDraftTable(arguments[0], ahead);
            foreach (var streams in streamCounts)
            {
                foreach (var share in shares)
                    bench.Print(streams, ahead, share);
            }
        }
    }

    public void Dispose()
    {
        _engine.Dispose();
        _services.Dispose();
    }

    private void Print(int streams, int ahead, int share)
    {
        var (without, with) = (double.MaxValue, double.MaxValue);
        var answer = Run(1, 0).Answer;
        var (drafted, accepted, steps, head) = (0L, 0L, 0L, TimeSpan.Zero);
        for (var round = 0; round < Rounds; round++)
        {
            without = Math.Min(without, Run(streams, 0).Seconds);
            _runner.Steer([.. _prompt, .. answer], share / 100.0);
            var before = (_engine.Totals.HeadDraftTokens, _engine.Totals.HeadAcceptedTokens, _engine.Totals.Steps, _runner.HeadTime);
            var (seconds, same) = Run(streams, 8);
            if (!same.SequenceEqual(answer))
                throw new InvalidOperationException("The answer with drafts is another one.");
            with = Math.Min(with, seconds);
            drafted += _engine.Totals.HeadDraftTokens - before.HeadDraftTokens;
            accepted += _engine.Totals.HeadAcceptedTokens - before.HeadAcceptedTokens;
            steps += _engine.Totals.Steps - before.Steps;
            head += _runner.HeadTime - before.HeadTime;
        }

        var tokens = streams * (Tokens - 1);
        Console.WriteLine(FormattableString.Invariant(
            $"| {streams} | {ahead} | {share} % | {100.0 * accepted / Math.Max(drafted, 1):F0} % | {1.0 * Rounds * tokens / steps:F2} | ")
            + FormattableString.Invariant($"{1000 * without * streams / tokens:F1} | {1000 * with * Rounds / steps:F1} | ")
            + FormattableString.Invariant($"{head.TotalMilliseconds / steps:F1} | ")
            + FormattableString.Invariant($"{tokens / without:F1} | {tokens / with:F1} | {without / with:F2} |"));
    }

    /// <summary>Seconds from the first token of all streams to the last, and the first stream's answer.</summary>
    private (double Seconds, uint[] Answer) Run(int streams, int drafts)
    {
        var sequences = Enumerable.Range(0, streams).Select(_ => Submit(drafts)).ToList();
        while (!sequences.TrueForAll(sequence => sequence.AnswerLength > 0))
            _engine.Step();
        var started = Stopwatch.GetTimestamp();
        while (sequences.Exists(sequence => sequence.Stream.End is null))
            _engine.Step();
        return (Stopwatch.GetElapsedTime(started).TotalSeconds, sequences[0].Tokens[_prompt.Length..].ToArray());
    }

    private Sequence Submit(int drafts)
    {
        // Of random weights greedy answers say one thing again and again, and would be quoted instead of guessed.
        var parameters = new SamplingParameters
        {
            Sample = true,
            TopK = 20,
            Seed = 7,
            MaxTokens = Tokens,
            IgnoreEos = true,
            DraftTokens = drafts,
        };
        var sequence = new Sequence($"bench{++_lastId}", _prompt, [], parameters, new TokenStream(4096, _queue.Wake));
        return _queue.TryEnqueue(sequence) == AdmissionResult.Accepted
            ? sequence : throw new InvalidOperationException("The queue took no more sequences.");
    }
}

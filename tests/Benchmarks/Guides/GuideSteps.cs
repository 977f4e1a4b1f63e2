using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Generator;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.Guides;
using Parley.Generator.Machine;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Benchmarks.Guides;

/// <summary>
/// What guides cost a step, and what forced text spares: the same engine and package, decode steps without guides and with, by turns; then
/// whole answers with and without drafts.
/// </summary>
internal sealed class GuideSteps : IDisposable
{
    private const int Tokens = 96;
    private const int Rounds = 3;

    /// <summary>Text that goes on for as long as it is measured.</summary>
    private const string Endless =
        """
        {"type":"array","items":{"type":"object","properties":{"note":{"type":"string"},"n":{"type":"integer"}},"required":["note","n"]},
        "minItems":500}
        """;

    /// <summary>Mostly keys.</summary>
    private const string Keys =
        """
        {"type":"object","properties":{"first_name_of_the_person":{"enum":["Anna","Bob"]},
        "age_in_years_at_present":{"type":"integer","minimum":0,"maximum":120},
        "is_a_registered_customer":{"type":"boolean"},"preferred_language_code":{"enum":["en","fr"]}},
        "required":["first_name_of_the_person","age_in_years_at_present","is_a_registered_customer","preferred_language_code"],
        "additionalProperties":false}
        """;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly GenerationEngine _engine;
    private readonly AdmissionQueue _queue;
    private readonly Guide _endless;
    private readonly Guide _keys;
    private int _lastId;

    private GuideSteps(string folder)
    {
        var options = new GeneratorOptions { PackageDirectory = folder };
        var model = new PackageOpener(Options.Create(options), NullLoggerFactory.Instance).Open();
        var size = HostMemoryPlan.Compute(options, model.Shape, model.KvBytesPerToken, model.WeightBytes, ProcessLimits.Current).Cache;
        _queue = new AdmissionQueue(options.QueuedRequestsMax, options.QueuedPromptTokensMax, TimeProvider.System);
        _engine = new GenerationEngine(
            model.CreateRunner(size), model.Defaults.EosTokenIds, options.ToLimits(size.ContextTokensMax), _queue, TimeProvider.System,
            new GeneratorTelemetry(_services.GetRequiredService<IMeterFactory>()), NullLogger.Instance);
        var vocabulary = model.ReadTokens();
        _endless = Guide.FromSchema(Endless, GuideSettings.Default, vocabulary);
        _keys = Guide.FromSchema(Keys, GuideSettings.Default, vocabulary);
    }

    /// <summary>Prints both tables.</summary>
    /// <param name="arguments">The package's folder.</param>
    public static void Print(string[] arguments)
    {
        using var bench = new GuideSteps(arguments[0]);
        bench.Steps(1, null);
        bench.Steps(1, bench._endless);
        Console.WriteLine("| Sequences | Step without guides, ms | With a guide each, ms | Ratio |");
        Console.WriteLine("| ---: | ---: | ---: | ---: |");
        foreach (var sequences in new[] { 1, 4, 16 })
        {
            var (without, with) = (double.MaxValue, double.MaxValue);
            for (var round = 0; round < Rounds; round++)
            {
                without = Math.Min(without, bench.Steps(sequences, null));
                with = Math.Min(with, bench.Steps(sequences, bench._endless));
            }

            Console.WriteLine(FormattableString.Invariant($"| {sequences} | {without:F2} | {with:F2} | {with / without:F2} |"));
        }

        Console.WriteLine();
        Console.WriteLine("| Drafts of forced text | Steps | Tokens | Answer, ms |");
        Console.WriteLine("| ---: | ---: | ---: | ---: |");
        foreach (var drafts in new[] { 0, 8 })
            bench.Answer(drafts);
    }

    public void Dispose()
    {
        _engine.Dispose();
        _services.Dispose();
    }

    /// <summary>Median time of decode steps in milliseconds.</summary>
    private double Steps(int count, Guide? guide)
    {
        var sequences = Enumerable.Range(0, count).Select(_ => Submit(guide, 0, new SamplingParameters
        {
            Sample = true,
            Seed = (ulong)_lastId,
            TopK = 50,
            MaxTokens = Tokens,
            IgnoreEos = guide is null,
        })).ToList();
        var times = new List<double>();
        while (sequences.Exists(sequence => sequence.Stream.End is null))
        {
            var isDecode = sequences.TrueForAll(sequence => sequence.IsDecoding);
            var started = TimeProvider.System.GetTimestamp();
            _engine.Step();
            if (isDecode)
                times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
        }

        times.Sort();
        return times[times.Count / 2];
    }

    private void Answer(int drafts)
    {
        var best = double.MaxValue;
        var (steps, tokens) = (0L, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var before = _engine.Totals.Steps;
            var sequence = Submit(_keys, drafts, new SamplingParameters { Sample = true, Seed = 1, MaxTokens = 200 });
            var started = TimeProvider.System.GetTimestamp();
            while (sequence.Stream.End is null)
                _engine.Step();
            best = Math.Min(best, TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            (steps, tokens) = (_engine.Totals.Steps - before, sequence.AnswerLength);
        }

        Console.WriteLine(FormattableString.Invariant($"| {drafts} | {steps} | {tokens} | {best:F0} |"));
    }

    private Sequence Submit(Guide? guide, int drafts, SamplingParameters parameters)
    {
        var prompt = Enumerable.Range(0, 32).Select(i => (uint)(100 + (i * 37) + _lastId)).ToArray();
        var sequence = new Sequence(
            $"bench{++_lastId}", prompt, [], parameters with { DraftTokens = drafts }, new TokenStream(4096, _queue.Wake))
        {
            Guide = guide?.Begin(),
        };
        if (_queue.TryEnqueue(sequence) != AdmissionResult.Accepted)
            throw new InvalidOperationException("The queue took no more sequences.");
        return sequence;
    }
}

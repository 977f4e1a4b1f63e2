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

namespace Parley.Benchmarks.Exports;

/// <summary>
/// Whole answers of the engine over a package, prompts included: the load that an export's own runtime is given beside it. The tokens are
/// printed, too, so that both can be compared.
/// </summary>
internal static class ExportTable
{
    private const int PromptTokens = 32;
    private const int Tokens = 32;
    private const uint IdsMax = 128_000;

    /// <summary>Prints a line for each number of streams.</summary>
    /// <param name="arguments">The package's folder; numbers of streams with commas between them; "ids" to print the answers.</param>
    public static void Print(string[] arguments)
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var options = new GeneratorOptions { PackageDirectory = arguments[0], ContextTokensMax = 512, DraftTokensMax = 0 };
        var model = new PackageOpener(Options.Create(options), NullLoggerFactory.Instance).Open();
        var size = model.PlanCache?.Invoke()
            ?? HostMemoryPlan.Compute(options, model.Shape, model.KvBytesPerToken, model.WeightBytes, ProcessLimits.Current).Cache;
        var queue = new AdmissionQueue(options.QueuedRequestsMax, options.QueuedPromptTokensMax, TimeProvider.System);
        using var engine = new GenerationEngine(
            model.CreateRunner(size), model.Defaults.EosTokenIds, options.ToLimits(size.ContextTokensMax), queue, TimeProvider.System,
            new GeneratorTelemetry(services.GetRequiredService<IMeterFactory>()), NullLogger.Instance);
        Run(engine, queue, 1, 4);
        foreach (var streams in arguments[1].Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture)))
        {
            var started = Stopwatch.GetTimestamp();
            var answers = Run(engine, queue, streams, Tokens);
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            Console.WriteLine(FormattableString.Invariant(
                $"Parley {model.Precision} n={streams} P={PromptTokens} N={Tokens}: {seconds:F2}s -> ")
                + FormattableString.Invariant($"{streams * Tokens / seconds:F2} tok/s"));
            if (arguments.Contains("ids"))
                Console.WriteLine("ids " + string.Join(" | ", answers.Select(ids => string.Join(' ', ids))));
        }
    }

    private static List<uint[]> Run(GenerationEngine engine, AdmissionQueue queue, int streams, int tokens)
    {
        var parameters = new SamplingParameters { MaxTokens = tokens, IgnoreEos = true };
        var sequences = Enumerable.Range(0, streams).Select(i => new Sequence(
            $"export{streams}-{i}", [.. Enumerable.Range(0, PromptTokens).Select(j => Id(i, j))], [], parameters,
            new TokenStream(4096, queue.Wake))).ToList();
        foreach (var sequence in sequences)
        {
            if (queue.TryEnqueue(sequence) != AdmissionResult.Accepted)
                throw new InvalidOperationException("The queue took no more sequences.");
        }

        while (sequences.Exists(sequence => sequence.Stream.End is null))
            engine.Step();
        return [.. sequences.Select(sequence => sequence.Tokens[PromptTokens..].ToArray())];
    }

    private static uint Id(int stream, int place) => (uint)(((stream * 7919L) + (place * 104_729L) + 17) % IdsMax);
}

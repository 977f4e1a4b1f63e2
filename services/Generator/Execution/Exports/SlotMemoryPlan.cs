using Parley.Generator.KvCache;
using Parley.Generator.Machine;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>How many slots of how many positions an export has in the memory that the process may use.</summary>
internal static class SlotMemoryPlan
{
    private const long Megabyte = 1 << 20;

    /// <summary>Less than this, unless the model itself ends sooner, is no context to serve.</summary>
    private const int ContextTokensMin = 512;

    /// <summary>Shares the memory out.</summary>
    /// <param name="options">Sequences, context, megabytes of the cache.</param>
    /// <param name="shape">The model.</param>
    /// <param name="graph">Growing caches take one place more than there are slots, and scores of every head.</param>
    /// <param name="weightBytes">The package's weights.</param>
    /// <param name="limits">What the process may use.</param>
    /// <returns>A slot for each sequence that may run, as long as one may be.</returns>
    /// <exception cref="InvalidDataException">They do not fit; the message says how many or how long they may be.</exception>
    public static KvCacheSize Compute(
        GeneratorOptions options, ModelShape shape, ExportedGraph graph, long weightBytes, ProcessLimits limits)
    {
        var slots = options.RunningSequencesMax;
        var places = graph.Caches == ExportedGraph.Growing ? slots + 1 : slots;
        var perToken = BytesPerToken(shape, graph);
        var wanted = options.ContextTokensMax == 0 ? shape.ContextTokensMax : Math.Min(options.ContextTokensMax, shape.ContextTokensMax);
        var limit = limits.MemoryBytes;
        var step = StepBytes(options, shape, graph, wanted);
        var room = limit - weightBytes - step - HostMemoryPlan.Reserve(limit);
        var isSet = options.KvCacheMegabytes > 0;
        var bytes = isSet ? options.KvCacheMegabytes * Megabyte : Math.Min(room, (long)(limit * options.KvCacheMemoryFractionMax));
        var context = (int)Math.Min(wanted, Math.Max(bytes, 0) / perToken / places);
        var least = options.ContextTokensMax != 0 ? wanted : Math.Min(wanted, ContextTokensMin);
        if (context >= least && bytes <= room)
            return new KvCacheSize(slots, context);
        var fit = Math.Max(Math.Min(bytes, room), 0);
        var fewer = Math.Max((fit / perToken / least) - (places - slots), 0);
        throw new InvalidDataException(
            $"The model does not fit: the process may use {limit / Megabyte} MB ({limits.MemorySource}), and weights "
            + $"{weightBytes / Megabyte} MB, a step {step / Megabyte} MB and the program itself leave the caches {fit / Megabyte} MB. "
            + $"Each of Generator:RunningSequencesMax = {slots} sequences of a {graph.Convention} export has a slot of its own, of at "
            + $"least {least} positions of {perToken} bytes: lower Generator:RunningSequencesMax to {Math.Max(fewer, 1)}, or "
            + $"Generator:ContextTokensMax to {Math.Max(fit / perToken / places, 1)}, set Generator:KvCacheMegabytes to at most "
            + $"{Math.Max(room, 0) / Megabyte}, or import the model as int4 or int8, which shares the memory by what is used.");
    }

    /// <summary>Bytes of keys and values of one token over all layers.</summary>
    public static int BytesPerToken(ModelShape shape, ExportedGraph graph) =>
        checked(shape.CacheElementsPerToken * SlotCaches.TypeOf(graph).Bytes);

    private static long StepBytes(GeneratorOptions options, ModelShape shape, ExportedGraph graph, int context)
    {
        var rows = options.ToLimits(shape.ContextTokensMax).LogitRowsMax;
        var tokens = Math.Min(options.StepTokensMax, context);
        // Without a fused operator the scores of all heads lie in memory, before the softmax, behind it and masked.
        var scores = graph.Caches == ExportedGraph.Growing ? 3L * sizeof(float) * shape.QueryHeads * tokens * context : 0;
        return HostMemoryPlan.LargestStepBytes(shape, options.StepTokensMax, rows)
            + ExportedStep.LogitBytes(graph, shape.VocabularySize, options.StepTokensMax, rows, sizeof(float)) + scores;
    }
}

using Parley.Generator.Execution.Kernels.Experts;
using Parley.Generator.KvCache;
using Parley.Generator.Machine;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>How the memory that this process may use is shared out at start, where the model runs on the CPU.</summary>
/// <param name="Cache">Blocks of the KV cache, and the longest sequence that they allow.</param>
/// <param name="LimitBytes">Memory that the process may use.</param>
/// <param name="LimitSource">Who says so.</param>
/// <param name="WeightBytes">The package's weights that every step reads; what is looked up by row stays in the file.</param>
/// <param name="StepBytes">The largest step's values.</param>
/// <param name="ReserveBytes">What stays for the program itself.</param>
/// <param name="CacheBytes">The KV cache.</param>
internal sealed record HostMemoryPlan(
    KvCacheSize Cache, long LimitBytes, string LimitSource, long WeightBytes, long StepBytes, long ReserveBytes, long CacheBytes)
{
    /// <summary>Slots for states at most: the books look at each when one must give way.</summary>
    private const int StateSlotsMax = 1 << 16;

    /// <summary>Slots for what sequences carry beside keys and values; 0 where the model has no states.</summary>
    public long StateBytes { get; init; }

    /// <summary>What adapters may take; 0 where there are none.</summary>
    public long AdapterBytes { get; init; }

    /// <summary>The KV cache where nobody says how large: enough for some long conversations of a small model.</summary>
    public const int CacheMegabytesDefault = 1024;

    private const long Megabyte = 1 << 20;

    /// <summary>Runtime, libraries, requests and answers on their way, as measured (docs/sizing.md).</summary>
    private const long ReserveBytesMin = 256 * Megabyte;

    private const long ReserveBytesMax = 4096 * Megabyte;

    /// <summary>All of it.</summary>
    public long NeedBytes => WeightBytes + StepBytes + ReserveBytes + StateBytes + AdapterBytes + CacheBytes;

    /// <summary>
    /// What the program itself keeps of a limit. Beyond nine tenths of it the garbage collector takes memory for scarce and collects
    /// all the time, so the model's part stays below.
    /// </summary>
    public static long Reserve(long limitBytes) => Math.Clamp(limitBytes / 10, ReserveBytesMin, ReserveBytesMax);

    /// <summary>The least limit under which so much of a model fits beside the reserve.</summary>
    public static long LimitFor(long modelBytes) =>
        Math.Min(Math.Max(modelBytes + ReserveBytesMin, (modelBytes * 10 / 9) + 1), modelBytes + ReserveBytesMax);

    /// <summary>
    /// Bytes of the largest step: values of the widest part of a layer and what the arena keeps beside them, logits, and the scratch of a
    /// mixture of experts, which stays with the engine's thread.
    /// </summary>
    /// <param name="shape">The model.</param>
    /// <param name="stepTokens">Tokens of a step.</param>
    /// <param name="logitRows">Rows of logits of a step.</param>
    public static long LargestStepBytes(ModelShape shape, int stepTokens, int logitRows)
    {
        var attention = shape.Latent is { } latent
            // Queries and results of all heads, each as they are and in the latent's space.
            ? (shape.QueryHeads * 2L * (shape.HeadSize + latent.Rank)) + latent.Rank + latent.Rotary
            : Enumerable.Range(0, shape.Layers).Select(shape.Heads)
                .Max(heads => (shape.QueryHeads + (2L * heads.KeyValueHeads)) * heads.HeadSize * 3);
        var mlp = Math.Max(shape.IntermediateSize, shape.WidestMlp ?? 0) * 4L;
        // What a layer with a state projects, convolves and scans: its inputs and gates, and no more than that again of each.
        var recurrence = 5L * (shape.States ?? []).Where(state => state.Kind == StateShape.Convolution)
            .Select(state => state.Columns).DefaultIfEmpty().Max();
        // Rows of tables per layer: as they are looked up, what is added to them, and all layers' parts.
        var rows = 3L * shape.Layers * (shape.PerLayerWidth ?? 0);
        var perToken = ((4L * shape.HiddenSize) + Math.Max(Math.Max(attention, mlp), recurrence) + rows) * sizeof(float);
        var experts = shape.Mixture is { } mixture ? QuantizedExperts.ScratchBytes(mixture, shape.HiddenSize, stepTokens) : 0;
        // Streams of all tokens, as the model leaves them and as the head takes them, and its logits.
        var drafter = shape.Drafter is { } head
            ? ((2L * stepTokens * shape.HiddenSize) + ((long)logitRows * head.Vocabulary)) * sizeof(float) : 0;
        return (stepTokens * perToken * 3 / 2) + (logitRows * (long)shape.VocabularySize * sizeof(float) * 2) + experts + drafter;
    }

    /// <summary>Slots for states: one for each sequence that may run, and those of snapshots.</summary>
    public static int StateSlots(GeneratorOptions options, ModelShape shape) => shape.StateBytes == 0 ? 0
        : (int)Math.Min(StateSlotsMax, options.RunningSequencesMax + (options.StateSnapshotMegabytes * Megabyte / shape.StateBytes));

    /// <summary>Shares the memory out.</summary>
    /// <param name="options">Megabytes, block size, sequences, context.</param>
    /// <param name="shape">The model.</param>
    /// <param name="bytesPerToken">Keys and values of one token over all layers.</param>
    /// <param name="weightBytes">The package's weights.</param>
    /// <param name="limits">What the process may use.</param>
    /// <exception cref="InvalidDataException">It does not fit; the message names the shares, the limit and what to set.</exception>
    public static HostMemoryPlan Compute(
        GeneratorOptions options, ModelShape shape, long bytesPerToken, long weightBytes, ProcessLimits limits)
    {
        var limit = limits.MemoryBytes;
        var step = LargestStepBytes(shape, options.StepTokensMax, options.ToLimits(shape.ContextTokensMax).LogitRowsMax);
        var slots = StateSlots(options, shape);
        var plan = new HostMemoryPlan(
            new KvCacheSize(0, 0) { StateSlots = slots }, limit, limits.MemorySource, weightBytes, step, Reserve(limit), 0);
        plan = plan with { StateBytes = slots * shape.StateBytes, AdapterBytes = options.ReservedForAdapters() };
        var room = limit - plan.NeedBytes;
        var isSet = options.KvCacheMegabytes > 0;
        // Who sets a size gets it or is refused; the default gives way.
        var bytes = isSet
            ? options.KvCacheMegabytes * Megabyte
            : Math.Min(CacheMegabytesDefault * Megabyte, (long)(limit * options.KvCacheMemoryFractionMax));

        var context = options.ContextTokensMax == 0 ? shape.ContextTokensMax : Math.Min(options.ContextTokensMax, shape.ContextTokensMax);
        var blockBytes = options.KvBlockTokens * bytesPerToken;
        var held = KvCacheSize.BlocksHeld(options, context, shape.WindowTokens);
        var useful = (long)held * options.RunningSequencesMax;
        var count = Math.Min(bytes / blockBytes, useful);
        if (!isSet)
            count = Math.Min(count, Math.Max(room, 0) / blockBytes);
        count = Math.Min(count, Array.MaxLength / options.KvBlockTokens);
        plan = plan with
        {
            Cache = new KvCacheSize((int)count, count >= held ? context : (int)Math.Min(context, count * options.KvBlockTokens))
            {
                StateSlots = slots,
            },
            CacheBytes = count * blockBytes,
        };
        if (plan.CacheBytes > room || room < blockBytes)
            throw new InvalidDataException(plan.Refusal(options, room, blockBytes));
        if (count < 1)
        {
            throw new InvalidDataException(
                $"A KV block of {options.KvBlockTokens} tokens takes {blockBytes} bytes, the cache may have {bytes}: "
                + "raise Generator:KvCacheMegabytes or lower Generator:KvBlockTokens.");
        }

        return plan;
    }

    private string Refusal(GeneratorOptions options, long room, long blockBytes)
    {
        var asked = Math.Max(CacheBytes, blockBytes);
        var lower = room >= blockBytes
            ? $"Lower Generator:KvCacheMegabytes from {options.KvCacheMegabytes} to {room / Megabyte}, or leave it out, or raise"
            : "Import the model with a smaller precision, lower Generator:StepTokensMax or Generator:RunningSequencesMax, or raise";
        var left = room < 0 ? "nothing" : $"{room / Megabyte} MB";
        return $"The model does not fit: the process may use {LimitBytes / Megabyte} MB ({LimitSource}), and weights "
            + $"{Up(WeightBytes)} MB, a step {Up(StepBytes)} MB{States}{Adapters} and {Up(ReserveBytes)} MB for the program itself leave "
            + $"{left} for the KV cache, which takes {Up(asked)} MB{(asked == blockBytes ? " at the very least" : "")}. {lower} the memory "
            + $"limit to at least {Up(LimitFor(WeightBytes + StepBytes + StateBytes + AdapterBytes + asked))} MB.";
    }

    /// <summary>What is there where the model has states, and what makes it less.</summary>
    private string States => StateBytes == 0 ? ""
        : $", {Cache.StateSlots} states {Up(StateBytes)} MB (fewer by Generator:StateSnapshotMegabytes or Generator:RunningSequencesMax)";

    /// <summary>What adapters may take, and what makes it less.</summary>
    private string Adapters => AdapterBytes == 0 ? "" : $", adapters {Up(AdapterBytes)} MB (Generator:AdapterBytesMax)";

    private static long Up(long bytes) => (bytes + Megabyte - 1) / Megabyte;
}

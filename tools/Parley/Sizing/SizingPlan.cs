using System.Globalization;
using Parley.Generator;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Machine;

namespace Parley.Cli.Sizing;

/// <summary>What one replica holds and how many it takes; computed by the code that the Generator shares its memory out with.</summary>
internal sealed record SizingPlan
{
    private const long Megabyte = 1 << 20;
    private const int SequencesMax = 1024;

    /// <summary>Memory limits are suggested in steps of so much.</summary>
    private const long LimitStep = 64 * Megabyte;

    public required ModelSize Model { get; init; }

    public required SizingTarget Target { get; init; }

    /// <summary>Keys and values of one token over all layers.</summary>
    public required int TokenBytes { get; init; }

    /// <summary>Positions of one KV block.</summary>
    public required int BlockTokens { get; init; }

    /// <summary>Blocks of one sequence of the whole context, in bytes.</summary>
    public required long SequenceBytes { get; init; }

    public required int ContextTokens { get; init; }

    /// <summary>Sequences of the whole context that one replica runs at once.</summary>
    public required int SequencesPerReplica { get; init; }

    public required long StepBytes { get; init; }

    /// <summary>Buffers of the runner on a GPU; on the CPU slots of states, where the model has some.</summary>
    public required long BufferBytes { get; init; }

    public required long ReserveBytes { get; init; }

    public required long CacheBytes { get; init; }

    /// <summary>Memory limit of a replica, or free memory that its GPU needs.</summary>
    public required long LimitBytes { get; init; }

    public required int Replicas { get; init; }

    /// <summary>The settings that make a Generator so.</summary>
    public required GeneratorOptions Options { get; init; }

    /// <summary>Those of them that differ from the defaults, by their variables.</summary>
    public IReadOnlyDictionary<string, string> Settings => Differences(Options);

    /// <summary>Plans.</summary>
    /// <exception cref="UserErrorException">Not one sequence fits; the message says what takes how much.</exception>
    public static SizingPlan Compute(ModelSize model, SizingTarget target)
    {
        if (target.ContextTokens > model.Shape.ContextTokensMax)
        {
            throw new UserErrorException(
                $"--context is {target.ContextTokens}; {model.Name} serves up to {model.Shape.ContextTokensMax} tokens"
                + $"{(model.IsPackage ? " as it was imported" : "")}.");
        }

        var wanted = target.Sequences ?? (target.MemoryBytes is null ? new GeneratorOptions().RunningSequencesMax : SequencesMax);
        var sequences = Math.Min(wanted, SequencesMax);
        if (target.MemoryBytes is { } memory)
        {
            sequences = LargestThatFits(model, target, sequences, memory);
            if (sequences == 0)
                throw new UserErrorException(Refusal(model, target, memory));
        }

        var options = OptionsFor(model, target, sequences);
        var limit = target.MemoryBytes ?? RoundUp(LimitFor(model, options));
        var replicas = Math.Max(
            target.Load?.Replicas ?? 1, target.Sequences is { } all ? (all + sequences - 1) / sequences : 1);
        return Describe(model, target, options, limit, replicas);
    }

    private static SizingPlan Describe(ModelSize model, SizingTarget target, GeneratorOptions options, long limit, int replicas)
    {
        var (step, buffers) = Beside(model, options);
        var block = BlockTokensOf(model, options);
        var perToken = model.TokenBytes(options.KvCachePrecision);
        var context = options.ContextTokensMax;
        return new SizingPlan
        {
            Model = model,
            Target = target,
            TokenBytes = perToken,
            BlockTokens = block,
            SequenceBytes = (long)Blocks(context, block) * block * perToken,
            ContextTokens = context,
            SequencesPerReplica = options.RunningSequencesMax,
            StepBytes = step,
            BufferBytes = buffers,
            ReserveBytes = model.IsCuda ? options.Cuda.ReserveMegabytes * Megabyte : HostMemoryPlan.Reserve(limit),
            CacheBytes = CacheOf(model, options, limit),
            LimitBytes = limit,
            Replicas = replicas,
            Options = options,
        };
    }

    /// <summary>What the Generator itself would take for its KV cache under this limit.</summary>
    private static long CacheOf(ModelSize model, GeneratorOptions options, long limit) => model.Target is { } device
        ? CudaServing.Share(limit, model.WeightBytes, Beside(model, options).Step, model.Shape, device, options).CacheBytes
        : HostMemoryPlan.Compute(options, model.Shape, model.TokenBytes(options.KvCachePrecision), model.WeightBytes,
            Limits(limit)).CacheBytes;

    private static ProcessLimits Limits(long bytes) => new(1, 1, ControlGroupLimits.None, bytes, null);

    private static int LargestThatFits(ModelSize model, SizingTarget target, int most, long memory)
    {
        var (least, above) = (0, most + 1);
        while (above - least > 1)
        {
            var middle = (least + above) / 2;
            if (Fits(model, OptionsFor(model, target, middle), memory))
                least = middle;
            else
                above = middle;
        }

        return least;
    }

    /// <summary>Whether the Generator would start, and with a cache that holds all sequences at their full length.</summary>
    private static bool Fits(ModelSize model, GeneratorOptions options, long memory)
    {
        try
        {
            return CacheOf(model, options, memory) >= CacheFor(model, options);
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static string Refusal(ModelSize model, SizingTarget target, long memory)
    {
        var options = OptionsFor(model, target, 1);
        return $"Not one sequence of {options.ContextTokensMax} tokens fits in {ByteSize.Shown(memory)}: {model.Name} as {model.Precision} "
            + $"has {ByteSize.Shown(model.WeightBytes)} of weights, the sequence takes {ByteSize.Shown(CacheFor(model, options))}; "
            + $"{ByteSize.Shown(LimitFor(model, options))} would do. Give --memory, --context, --precision or --kv-precision another "
            + "value.";
    }

    private static GeneratorOptions OptionsFor(ModelSize model, SizingTarget target, int sequences)
    {
        var options = new GeneratorOptions
        {
            Device = model.IsCuda ? "cuda" : "cpu",
            RunningSequencesMax = sequences,
            ContextTokensMax = target.ContextTokens > 0 ? target.ContextTokens : model.Shape.ContextTokensMax,
            KvCachePrecision = target.KvPrecision,
        };
        // On a GPU a step costs little more with many tokens (docs/cuda.md).
        if (model.IsCuda)
            (options.StepTokensMax, options.PrefillChunkTokens) = (2048, 512);
        options.StepTokensMax = Math.Max(options.StepTokensMax, sequences);
        if (!model.IsCuda)
            options.KvCacheMegabytes = (int)Math.Min(int.MaxValue, ByteSize.Mebibytes(CacheFor(model, options)));
        return options;
    }

    /// <summary>Blocks of all sequences at their full length; on a GPU one more takes what captured steps are filled up with.</summary>
    private static long CacheFor(ModelSize model, GeneratorOptions options)
    {
        var block = BlockTokensOf(model, options);
        var count = (long)Blocks(options.ContextTokensMax, block) * options.RunningSequencesMax;
        return (count + (model.IsCuda ? 1 : 0)) * block * model.TokenBytes(options.KvCachePrecision);
    }

    private static long LimitFor(ModelSize model, GeneratorOptions options)
    {
        var (step, buffers) = Beside(model, options);
        var bytes = model.WeightBytes + step + buffers + CacheFor(model, options);
        return model.IsCuda
            ? (long)((bytes + (options.Cuda.ReserveMegabytes * Megabyte)) / options.Cuda.MemoryFraction) + 1
            : HostMemoryPlan.LimitFor(bytes);
    }

    private static (long Step, long Buffers) Beside(ModelSize model, GeneratorOptions options) => model.Target is { } device
        ? CudaServing.Beside(model.Shape, device, options)
        : (HostMemoryPlan.LargestStepBytes(
            model.Shape, options.StepTokensMax, options.ToLimits(model.Shape.ContextTokensMax).LogitRowsMax),
            HostMemoryPlan.StateSlots(options, model.Shape) * model.Shape.StateBytes);

    private static int BlockTokensOf(ModelSize model, GeneratorOptions options) =>
        model.IsCuda ? CudaMemoryPlan.BlockTokens(model.Shape.HeadSize) : options.KvBlockTokens;

    private static int Blocks(int tokens, int blockTokens) => (tokens + blockTokens - 1) / blockTokens;

    private static long RoundUp(long bytes) => (bytes + LimitStep - 1) / LimitStep * LimitStep;

    private static Dictionary<string, string> Differences(GeneratorOptions options)
    {
        var defaults = new GeneratorOptions();
        return new (string Name, object Value, object Default)[]
        {
            (nameof(options.Device), options.Device, defaults.Device),
            (nameof(options.ContextTokensMax), options.ContextTokensMax, defaults.ContextTokensMax),
            (nameof(options.RunningSequencesMax), options.RunningSequencesMax, defaults.RunningSequencesMax),
            (nameof(options.StepTokensMax), options.StepTokensMax, defaults.StepTokensMax),
            (nameof(options.PrefillChunkTokens), options.PrefillChunkTokens, defaults.PrefillChunkTokens),
            (nameof(options.KvCachePrecision), options.KvCachePrecision, defaults.KvCachePrecision),
            (nameof(options.KvCacheMegabytes), options.KvCacheMegabytes, defaults.KvCacheMegabytes),
        }
        .Where(one => !one.Value.Equals(one.Default))
        .ToDictionary(
            one => $"{GeneratorOptions.SectionName}__{one.Name}", one => Convert.ToString(one.Value, CultureInfo.InvariantCulture)!);
    }
}

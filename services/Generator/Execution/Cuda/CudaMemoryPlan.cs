using Parley.Generator.KvCache;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Cuda;

/// <summary>How the device's free memory is shared out at start, so that nothing has to be asked for later.</summary>
/// <param name="Cache">Blocks of the KV cache, and the longest sequence that they allow.</param>
/// <param name="CacheBytes">Their bytes.</param>
/// <param name="ArenaBytes">What ONNX Runtime may take for weights and steps.</param>
internal sealed record CudaMemoryPlan(KvCacheSize Cache, long CacheBytes, long ArenaBytes)
{
    private const long Megabyte = 1 << 20;

    /// <summary>Positions of a block: FlashAttention reads whole tiles, whose length follows from the head size.</summary>
    public static int BlockTokens(int headSize) => headSize <= 64 ? 256 : 128;

    /// <summary>Bytes of the largest step's values: those of the widest part of a layer, the logits, and what the arena wastes.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="elementBytes">Bytes of an activation.</param>
    /// <param name="stepTokens">Tokens of a step.</param>
    /// <param name="logitRows">Rows of logits of a step.</param>
    public static long StepBytes(ModelShape shape, int elementBytes, int stepTokens, int logitRows)
    {
        var attention = (shape.QueryHeads + (2L * shape.KeyValueHeads)) * shape.HeadSize * 3;
        var mlp = Math.Max(shape.IntermediateSize, shape.WidestMlp ?? 0) * 6L;
        var perToken = ((4L * shape.HiddenSize) + Math.Max(attention, mlp)) * elementBytes;
        // Logits in the activations' type and in fp32, and the pairs that TopK sorts.
        var perRow = shape.VocabularySize * (elementBytes + sizeof(float) + sizeof(float) + (2L * sizeof(long)));
        return ((stepTokens * perToken) + (logitRows * perRow)) * 3 / 2;
    }

    /// <summary>Shares the memory out.</summary>
    /// <param name="freeBytes">Free before anything is loaded.</param>
    /// <param name="weightBytes">The package's weights.</param>
    /// <param name="stepBytes">As <see cref="StepBytes"/>.</param>
    /// <param name="bufferBytes">The runner's own buffers.</param>
    /// <param name="bytesPerToken">Keys and values of one token over all layers.</param>
    /// <param name="model">Head size, for the block, and context.</param>
    /// <param name="options">Fractions, reserve, limits.</param>
    /// <exception cref="InvalidDataException">The device is too small; the message says what takes how much.</exception>
    public static CudaMemoryPlan Compute(
        long freeBytes, long weightBytes, long stepBytes, long bufferBytes, long bytesPerToken, ModelShape model, GeneratorOptions options)
    {
        var blockTokens = BlockTokens(model.HeadSize);
        var blockBytes = blockTokens * bytesPerToken;
        var context = Context(model, options);
        var blocksPerSequence = (context + blockTokens - 1) / blockTokens;
        var (budget, bytes) = Budget(freeBytes, weightBytes + stepBytes + bufferBytes, options.Cuda);

        // One block beyond those of the pool takes what the filling rows of a captured step write.
        var useful = (long)blocksPerSequence * options.RunningSequencesMax;
        var count = (int)Math.Min(Math.Min((bytes / blockBytes) - 1, useful), Array.MaxLength / blockTokens);
        if (count < 1)
        {
            throw new InvalidDataException(
                Shares(freeBytes, budget, weightBytes, stepBytes, bufferBytes, bytes, options.Cuda)
                + $"less than two KV blocks of {blockBytes} bytes. Lower Generator:StepTokensMax, "
                + "Generator:RunningSequencesMax or Generator:Cuda:ReserveMegabytes, or import the model as int4-fp16.");
        }

        var cacheBytes = (count + 1) * blockBytes;
        var size = new KvCacheSize(count, (int)Math.Min(context, (long)count * blockTokens));
        return new CudaMemoryPlan(size, cacheBytes, budget - cacheBytes - bufferBytes);
    }

    /// <summary>Shares the memory out where a block is a slot that holds a whole sequence, one for each that may run.</summary>
    /// <param name="freeBytes">Free before anything is loaded.</param>
    /// <param name="weightBytes">The package's weights.</param>
    /// <param name="stepBytes">As <see cref="StepBytes"/>.</param>
    /// <param name="bufferBytes">The runner's own buffers.</param>
    /// <param name="bytesPerToken">Keys and values of one token over all layers.</param>
    /// <param name="model">Its context.</param>
    /// <param name="options">Fractions, reserve, limits.</param>
    /// <exception cref="InvalidDataException">Not all slots fit; the message says how many or how long they may be.</exception>
    public static CudaMemoryPlan ComputeSlots(
        long freeBytes, long weightBytes, long stepBytes, long bufferBytes, long bytesPerToken, ModelShape model, GeneratorOptions options)
    {
        var context = Context(model, options);
        var slots = options.RunningSequencesMax;
        var slotBytes = context * bytesPerToken;
        var (budget, bytes) = Budget(freeBytes, weightBytes + stepBytes + bufferBytes, options.Cuda);
        var fit = Math.Min(Math.Max(bytes, 0) / slotBytes, Array.MaxLength / context);
        if (fit < slots)
        {
            var shorter = Math.Max(bytes, 0) / bytesPerToken / slots;
            throw new InvalidDataException(
                Shares(freeBytes, budget, weightBytes, stepBytes, bufferBytes, bytes, options.Cuda)
                + $"which is {fit} slots of {context} positions ({slotBytes} bytes). GroupQueryAttention takes a slot for each of "
                + $"Generator:RunningSequencesMax = {slots} sequences: lower that to {Math.Max(fit, 1)} or Generator:ContextTokensMax to "
                + $"{Math.Max(shorter, 1)}, or import the model with --attention paged, which shares the memory by what is used.");
        }

        var cacheBytes = slots * slotBytes;
        return new CudaMemoryPlan(new KvCacheSize(slots, context), cacheBytes, budget - cacheBytes - bufferBytes);
    }

    private static int Context(ModelShape model, GeneratorOptions options) =>
        options.ContextTokensMax == 0 ? model.ContextTokensMax : Math.Min(options.ContextTokensMax, model.ContextTokensMax);

    /// <returns>What may be used at all, and what of it the cache may have.</returns>
    private static (long Budget, long Cache) Budget(long freeBytes, long takenBytes, CudaOptions cuda)
    {
        var budget = (long)(freeBytes * cuda.MemoryFraction);
        var left = budget - takenBytes - (cuda.ReserveMegabytes * Megabyte);
        return (budget, cuda.KvCacheMegabytes > 0 ? Math.Min(left, cuda.KvCacheMegabytes * Megabyte) : left);
    }

    private static string Shares(
        long freeBytes, long budget, long weightBytes, long stepBytes, long bufferBytes, long cacheBytes, CudaOptions cuda) =>
        $"The GPU has {freeBytes / Megabyte} MB free, of which {budget / Megabyte} may be used: weights {weightBytes / Megabyte} MB, "
        + $"a step {stepBytes / Megabyte} MB, buffers {bufferBytes / Megabyte} MB and the reserve {cuda.ReserveMegabytes} MB leave the "
        + $"KV cache {Math.Max(cacheBytes, 0) / Megabyte} MB, ";
}

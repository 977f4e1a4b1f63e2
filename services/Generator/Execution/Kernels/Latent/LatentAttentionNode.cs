namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>One latent attention of a session: its attributes, and how its inputs become a step.</summary>
internal sealed unsafe class LatentAttentionNode : CustomOpNode
{
    /// <summary>Below this many multiply-adds waking other threads costs more than it saves.</summary>
    private const long InlineWorkMax = 256 * 1024;

    private const int HeadsMax = 1 << 14;
    private const int NormInput = 10;

    private int _heads;
    private float _scale;
    private float _epsilon;
    private bool _interleaved;
    private bool _byToken;

    public override string ToString() => LatentAttentionOp.OpName;

    /// <summary>Reads the attributes of a node.</summary>
    /// <exception cref="NotSupportedException">One is out of its range.</exception>
    public static LatentAttentionNode Read(void* info)
    {
        var heads = OrtCustomOpApi.GetInteger(info, "num_heads\0"u8, 0);
        if (heads is < 1 or > HeadsMax)
            throw new NotSupportedException($"num_heads is {heads}, not from 1 to {HeadsMax}");
        var node = new LatentAttentionNode
        {
            _heads = (int)heads,
            _scale = OrtCustomOpApi.GetFloat(info, "scale\0"u8, 0),
            _epsilon = OrtCustomOpApi.GetFloat(info, "norm_epsilon\0"u8, 1e-6f),
            _interleaved = OrtCustomOpApi.GetInteger(info, "rotary_interleaved\0"u8, 0) != 0,
            _byToken = OrtCustomOpApi.GetInteger(info, "rotary_by_token\0"u8, 0) != 0,
        };
        if (!(node._scale > 0 && float.IsFinite(node._scale)))
            throw new NotSupportedException($"scale is {node._scale}, no positive number");
        return node._epsilon >= 0 && float.IsFinite(node._epsilon)
            ? node : throw new NotSupportedException($"norm_epsilon is {node._epsilon}, neither 0 nor a positive number");
    }

    public override void Compute(void* context)
    {
        LatentAttentionStep step = default;
        Bind(context, &step);
        if (step.Paged.TokenCount > 0)
            Run(context, &step);
    }

    /// <summary>Fetches and checks the inputs of a call, and makes its output.</summary>
    /// <exception cref="InvalidDataException">A shape, a length or a block id is wrong; nothing was written.</exception>
    private void Bind(void* context, LatentAttentionStep* step)
    {
        ref var paged = ref step->Paged;
        var group = LatentAttentionStep.GroupOf(_heads);
        (paged.QueryHeads, paged.KeyValueHeads) = (_heads, _heads / group);
        Span<long> shape = stackalloc long[2];
        step->LatentQueries = (float*)OrtCustomOpApi.GetInput(context, 0, shape);
        var (rows, rank) = (shape[0], shape[1]);
        step->Queries = (float*)OrtCustomOpApi.GetInput(context, 1, shape);
        var (tokens, width) = (shape[0], shape[1]);
        if (rows != tokens * _heads || width % _heads != 0)
            throw new InvalidDataException($"queries are [{rows}, {rank}] and [{tokens}, {width}] for {_heads} heads");
        step->Latents = (float*)OrtCustomOpApi.GetInput(context, 2, shape);
        if (shape[0] != tokens || shape[1] <= rank)
            throw new InvalidDataException($"new rows are [{shape[0]}, {shape[1]}], not [{tokens}, {rank} and what turns]");
        paged.TokenCount = checked((int)tokens);
        paged.HeadSize = step->Rank = checked((int)rank);
        step->QuerySize = checked((int)(width / _heads));
        step->RotarySize = checked((int)(shape[1] - rank));
        BindCaches(context, step);
        BindBatch(context, ref paged);
        paged.Scale = _scale;
        (paged.RotaryInterleaved, paged.RotaryByToken, paged.NormEpsilon) = (_interleaved, _byToken, _epsilon);
        BindTables(context, ref paged, rank);
        if (step->FindFault() is { } fault)
            throw new InvalidDataException(fault);
        paged.Output = (float*)OrtCustomOpApi.GetOutput(context, rows, rank);
    }

    private static void BindCaches(void* context, LatentAttentionStep* step)
    {
        ref var paged = ref step->Paged;
        Span<long> keys = stackalloc long[4];
        Span<long> values = stackalloc long[4];
        paged.KeyCache = (byte*)OrtCustomOpApi.GetInput(context, 3, keys, out var keyType);
        paged.ValueCache = (byte*)OrtCustomOpApi.GetInput(context, 4, values, out var valueType);
        if (keyType != valueType)
            throw new InvalidDataException($"key_cache is {keyType}, value_cache {valueType}");
        paged.CachePrecision = KvCacheFormat.PrecisionOf(keyType);
        paged.BlockCount = checked((int)values[0]);
        paged.BlockTokens = checked((int)values[1]);
        var scales = KvCacheFormat.ScaleElements(paged.CachePrecision);
        if (keys[0] != values[0] || keys[1] != values[1] || keys[2] != 1 || values[2] != 1 || keys[3] != step->RotaryStored + scales
            || values[3] != step->Rank + scales)
        {
            throw new InvalidDataException(
                $"key_cache [{string.Join(", ", keys.ToArray())}] and value_cache [{string.Join(", ", values.ToArray())}] must be "
                + $"[blocks, block size, 1, {step->RotaryStored + scales} and {step->Rank + scales}]");
        }
    }

    private static void BindBatch(void* context, ref PagedAttentionStep paged)
    {
        Span<long> shape = stackalloc long[2];
        paged.CumulativeLengths = (int*)OrtCustomOpApi.GetInput(context, 5, shape[..1]);
        paged.SequenceCount = checked((int)shape[0] - 1);
        paged.PastLengths = (int*)OrtCustomOpApi.GetInput(context, 6, shape[..1]);
        if (paged.SequenceCount < 0 || shape[0] != paged.SequenceCount)
            throw new InvalidDataException($"past_seqlens has {shape[0]} entries, cumulative_sequence_length {paged.SequenceCount + 1}");
        paged.BlockTable = (int*)OrtCustomOpApi.GetInput(context, 7, shape);
        paged.BlockTableWidth = checked((int)shape[1]);
        if (shape[0] != paged.SequenceCount)
            throw new InvalidDataException($"block_table has {shape[0]} rows for {paged.SequenceCount} sequences");
    }

    private static void BindTables(void* context, ref PagedAttentionStep paged, long rank)
    {
        Span<long> cos = stackalloc long[2];
        Span<long> sin = stackalloc long[2];
        paged.Cos = (float*)OrtCustomOpApi.GetInput(context, 8, cos);
        paged.Sin = (float*)OrtCustomOpApi.GetInput(context, 9, sin);
        if (!cos.SequenceEqual(sin))
            throw new InvalidDataException("cos_cache and sin_cache must be of one shape");
        (paged.PositionsMax, paged.RotaryHalf) = (checked((int)cos[0]), checked((int)cos[1]));
        paged.KeyNorm = (float*)OrtCustomOpApi.GetInput(context, NormInput, cos[..1]);
        if (cos[0] != rank)
            throw new InvalidDataException($"the weight of the norm has {cos[0]} numbers, not {rank}");
    }

    private static void Run(void* context, LatentAttentionStep* step)
    {
        var kernel = LatentAttentionKernel.Best(step->Paged.CachePrecision);
        AttentionPlan.Create(&step->Paged);
        var parallel = step->Paged.Plan.Work > InlineWorkMax;
        ParallelLoop.Run(
            context, (delegate*<void*, nint, void>)kernel.Write, step, LatentAttentionKernel.WriteCount(step),
            parallel && step->Paged.TokenCount > 4 * LatentAttentionKernel.WriteTokens);
        ParallelLoop.Run(context, (delegate*<void*, nint, void>)kernel.Attend, step, step->Paged.Plan.UnitCount, parallel);
    }
}

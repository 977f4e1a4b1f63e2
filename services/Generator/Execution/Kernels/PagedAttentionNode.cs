namespace Parley.Generator.Execution.Kernels;

/// <summary>One attention node of a session: its attributes, and how its inputs become a step.</summary>
internal sealed unsafe class PagedAttentionNode : CustomOpNode
{
    /// <summary>Below this many multiply-adds waking other threads costs more than it saves.</summary>
    private const long InlineWorkMax = 256 * 1024;

    private const int SlotMappingInput = 10;
    private const int SinkInput = 11;
    private const int QueryNormInput = 12;
    private const int KeyNormInput = 13;

    private int _queryHeads;
    private int _keyValueHeads;
    private bool _rotary;
    private float _scale;
    private float _softcap;
    private int _windowTokens;
    private bool _interleaved;
    private bool _byToken;
    private bool _normAfterRotary;
    private bool _normalizesValues;
    private bool _keysAreValues;
    private bool _readsOnly;
    private float _normEpsilon;
    private float _queryBeta;
    private int _queryPositions;

    public override string ToString() => PagedAttentionOp.OpName;

    public override void Compute(void* context)
    {
        PagedAttentionStep step = default;
        Bind(context, &step);
        if (step.TokenCount > 0)
            Run(context, &step);
    }

    /// <summary>Reads the attributes of a node.</summary>
    /// <exception cref="NotSupportedException">An attribute asks for what this operator does not do.</exception>
    public static PagedAttentionNode Read(void* info)
    {
        var node = new PagedAttentionNode
        {
            _queryHeads = (int)OrtCustomOpApi.GetInteger(info, "num_heads\0"u8, 0),
            _keyValueHeads = (int)OrtCustomOpApi.GetInteger(info, "kv_num_heads\0"u8, 0),
            _rotary = OrtCustomOpApi.GetInteger(info, "do_rotary\0"u8, 0) != 0,
            _scale = OrtCustomOpApi.GetFloat(info, "scale\0"u8, 0),
            _softcap = OrtCustomOpApi.GetFloat(info, "softcap\0"u8, 0),
            _interleaved = OrtCustomOpApi.GetInteger(info, "rotary_interleaved\0"u8, 0) != 0,
            _byToken = OrtCustomOpApi.GetInteger(info, "rotary_by_token\0"u8, 0) != 0,
            _normAfterRotary = OrtCustomOpApi.GetInteger(info, "qk_norm_after_rotary\0"u8, 0) != 0,
            _normalizesValues = OrtCustomOpApi.GetInteger(info, "v_norm\0"u8, 0) != 0,
            _keysAreValues = OrtCustomOpApi.GetInteger(info, "keys_are_values\0"u8, 0) != 0,
            _readsOnly = OrtCustomOpApi.GetInteger(info, "reads_only\0"u8, 0) != 0,
            _normEpsilon = OrtCustomOpApi.GetFloat(info, "qk_norm_epsilon\0"u8, 1e-6f),
            _queryBeta = OrtCustomOpApi.GetFloat(info, "query_scale_beta\0"u8, 0),
            _queryPositions = (int)Math.Clamp(OrtCustomOpApi.GetInteger(info, "query_scale_positions\0"u8, 0), 0, int.MaxValue),
        };
        if (node._queryHeads <= 0 || node._keyValueHeads <= 0 || node._queryHeads % node._keyValueHeads != 0)
            throw new NotSupportedException($"num_heads {node._queryHeads} must be a multiple of kv_num_heads {node._keyValueHeads}");
        if (node._queryBeta != 0 && node._queryPositions == 0)
            throw new NotSupportedException("query_scale_positions must be positive");
        if (!(node._normEpsilon >= 0 && float.IsFinite(node._normEpsilon)))
            throw new NotSupportedException($"qk_norm_epsilon is {node._normEpsilon}, neither 0 nor a positive number");
        var window = OrtCustomOpApi.GetInteger(info, "local_window_size\0"u8, -1);
        if (window is 0 or < -1 or > int.MaxValue)
            throw new NotSupportedException($"local_window_size is {window}, neither -1 nor a number of positions");
        node._windowTokens = (int)Math.Max(window, 0);
        if (OrtCustomOpApi.GetInteger(info, "is_causal\0"u8, 1) != 1)
            throw new NotSupportedException("is_causal must be 1");
        if (!(node._softcap >= 0 && float.IsFinite(node._softcap)))
            throw new NotSupportedException($"softcap is {node._softcap}, neither 0 nor a positive number");
        return node;
    }

    /// <summary>Fetches and checks the inputs of a call, and makes its output.</summary>
    /// <exception cref="InvalidDataException">A shape, a length or a block id is wrong; nothing was written.</exception>
    private void Bind(void* context, PagedAttentionStep* step)
    {
        var shape = stackalloc long[4];
        step->QueryHeads = _queryHeads;
        step->KeyValueHeads = _keyValueHeads;
        (step->NormalizesValues, step->KeysAreValues, step->ReadsOnly) = (_normalizesValues, _keysAreValues, _readsOnly);
        step->Qkv = (float*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(shape, 2));
        var (tokens, width) = (shape[0], shape[1]);
        var keyDimensions = stackalloc long[4];
        step->KeyCache = (byte*)OrtCustomOpApi.GetInput(context, 3, new Span<long>(keyDimensions, 4), out var keyType);
        step->ValueCache = (byte*)OrtCustomOpApi.GetInput(context, 4, new Span<long>(shape, 4), out var valueType);
        if (keyType != valueType)
            throw new InvalidDataException($"key_cache is {keyType}, value_cache {valueType}");
        step->CachePrecision = KvCacheFormat.PrecisionOf(keyType);
        step->TokenCount = checked((int)tokens);
        step->BlockCount = checked((int)keyDimensions[0]);
        step->BlockTokens = checked((int)keyDimensions[1]);
        step->HeadSize = checked((int)keyDimensions[3]) - KvCacheFormat.ScaleElements(step->CachePrecision);
        if (keyDimensions[2] != _keyValueHeads || !new Span<long>(keyDimensions, 4).SequenceEqual(new Span<long>(shape, 4)))
            throw new InvalidDataException("key_cache and value_cache must be [blocks, block size, kv_num_heads, head size] alike");
        if (width != step->QkvWidth)
            throw new InvalidDataException($"packed rows have {width} columns, not {step->QkvWidth}");

        step->CumulativeLengths = (int*)OrtCustomOpApi.GetInput(context, 5, new Span<long>(shape, 1));
        step->SequenceCount = checked((int)shape[0] - 1);
        step->PastLengths = (int*)OrtCustomOpApi.GetInput(context, 6, new Span<long>(shape, 1));
        if (step->SequenceCount < 0 || shape[0] != step->SequenceCount)
            throw new InvalidDataException($"past_seqlens has {shape[0]} entries, cumulative_sequence_length {step->SequenceCount + 1}");
        step->BlockTable = (int*)OrtCustomOpApi.GetInput(context, 7, new Span<long>(shape, 2));
        step->BlockTableWidth = checked((int)shape[1]);
        if (shape[0] != step->SequenceCount)
            throw new InvalidDataException($"block_table has {shape[0]} rows for {step->SequenceCount} sequences");

        step->WindowTokens = _windowTokens;
        step->Softcap = _softcap;
        step->Scale = _scale != 0 ? _scale : 1 / MathF.Sqrt(step->HeadSize);
        step->QueryBeta = _queryBeta;
        step->QueryPositions = _queryPositions;
        if (_rotary)
            BindRotary(context, step);
        BindNorms(context, step);
        if (step->FindFault() is { } fault)
            throw new InvalidDataException(fault);
        step->Output = (float*)OrtCustomOpApi.GetOutput(context, tokens, (long)_queryHeads * step->HeadSize);
    }

    private static void Run(void* context, PagedAttentionStep* step)
    {
        var kernel = PagedAttentionKernel.Best(step->CachePrecision);
        AttentionPlan.Create(step);
        var parallel = step->Plan.Work > InlineWorkMax;
        ParallelLoop.Run(context, (delegate*<void*, nint, void>)kernel.Write, step, step->Plan.WriteCount, parallel);
        ParallelLoop.Run(context, (delegate*<void*, nint, void>)kernel.Attend, step, step->Plan.UnitCount, parallel);
    }

    private void BindNorms(void* context, PagedAttentionStep* step)
    {
        var length = 0L;
        if (OrtCustomOpApi.GetInput(context, SlotMappingInput, new Span<long>(&length, 1)) is not null)
            throw new InvalidDataException("slot_mapping is not supported");
        step->Sinks = GetVector(context, SinkInput, _queryHeads, "head_sink");
        step->QueryNorm = GetVector(context, QueryNormInput, step->HeadSize, "q_norm_weight");
        step->KeyNorm = GetVector(context, KeyNormInput, step->HeadSize, "k_norm_weight");
        step->NormAfterRotary = _normAfterRotary;
        step->NormEpsilon = _normEpsilon;
    }

    private static float* GetVector(void* context, int index, int length, string name)
    {
        var found = 0L;
        var vector = (float*)OrtCustomOpApi.GetInput(context, index, new Span<long>(&found, 1));
        return vector is null || found == length ? vector : throw new InvalidDataException($"{name} has {found} numbers, not {length}");
    }

    private void BindRotary(void* context, PagedAttentionStep* step)
    {
        step->RotaryInterleaved = _interleaved;
        step->RotaryByToken = _byToken;
        var cos = stackalloc long[2];
        var sin = stackalloc long[2];
        step->Cos = (float*)OrtCustomOpApi.GetInput(context, 8, new Span<long>(cos, 2));
        step->Sin = (float*)OrtCustomOpApi.GetInput(context, 9, new Span<long>(sin, 2));
        if (step->Cos is null || step->Sin is null || cos[0] != sin[0] || cos[1] != sin[1])
            throw new InvalidDataException("do_rotary needs cos_cache and sin_cache of one shape");
        step->PositionsMax = checked((int)cos[0]);
        step->RotaryHalf = checked((int)cos[1]);
    }
}

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>One scan of Mamba-2 of a session.</summary>
internal sealed unsafe class MambaScanNode : CustomOpNode
{
    private const int StateInput = 7;

    /// <summary>Below this many multiply-adds waking other threads costs more than it saves.</summary>
    private const long InlineWorkMax = 256 * 1024;

    private int _heads;
    private int _headSize;
    private int _stateSize;
    private int _groups;
    private int _gateColumn;
    private float _epsilon;

    public override string ToString() => MambaScanOp.OpName;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">An attribute is out of range.</exception>
    public static MambaScanNode Read(void* info)
    {
        var node = new MambaScanNode
        {
            _heads = (int)OrtCustomOpApi.GetInteger(info, "heads\0"u8, 0),
            _headSize = (int)OrtCustomOpApi.GetInteger(info, "head_size\0"u8, 0),
            _stateSize = (int)OrtCustomOpApi.GetInteger(info, "state_size\0"u8, 0),
            _groups = (int)OrtCustomOpApi.GetInteger(info, "groups\0"u8, 1),
            _gateColumn = (int)OrtCustomOpApi.GetInteger(info, "gate_column\0"u8, 0),
            _epsilon = OrtCustomOpApi.GetFloat(info, "epsilon\0"u8, 1e-6f),
        };
        if (node._heads <= 0 || node._groups <= 0 || node._heads % node._groups != 0)
            throw new NotSupportedException($"heads {node._heads} must be a multiple of groups {node._groups}");
        if (node._headSize is <= 0 or > MambaScanStep.HeadSizeMax || node._stateSize is <= 0 or > MambaScanStep.StateSizeMax)
            throw new NotSupportedException($"head_size {node._headSize} or state_size {node._stateSize} is out of range");
        return node._gateColumn >= 0 && node._epsilon >= 0 && float.IsFinite(node._epsilon) ? node
            : throw new NotSupportedException($"gate_column {node._gateColumn} or epsilon {node._epsilon} is out of range");
    }

    public override void Compute(void* context)
    {
        var step = Bind(context, out var rows);
        step.Output = (float*)OrtCustomOpApi.GetOutput(context, rows, step.Width);
        if (rows == 0)
            return;
        var kernel = MambaScanKernel.Best;
        var parallel = step.Work > InlineWorkMax;
        ParallelLoop.Run(context, (delegate*<void*, nint, void>)kernel.Scan, &step, step.UnitCount, parallel);
        ParallelLoop.Run(context, (delegate*<void*, nint, void>)kernel.Normalize, &step, (int)rows, parallel);
    }

    /// <summary>Fetches and checks the inputs of a call.</summary>
    /// <exception cref="InvalidDataException">A shape, a length or a slot is wrong; nothing was written.</exception>
    private MambaScanStep Bind(void* context, out long rows)
    {
        var step = new MambaScanStep
        {
            Heads = _heads,
            HeadSize = _headSize,
            StateSize = _stateSize,
            Groups = _groups,
            Epsilon = _epsilon,
        };
        step.Mixed = RecurrentInputs.Rows(context, 0, "rows", out rows, out var width);
        if (width != step.MixedWidth)
            throw new InvalidDataException($"rows have {width} columns, not {step.MixedWidth}");
        step.Gate = RecurrentInputs.Columns(context, 1, "gates", rows, _gateColumn, step.Width, out step.GateStride);
        step.Time = RecurrentInputs.Columns(context, 2, "times", rows, 0, _heads, out step.TimeStride);
        step.TimeBias = RecurrentInputs.Vector(context, 3, "biases of the times", _heads);
        step.Decay = RecurrentInputs.Vector(context, 4, "rates of decay", _heads);
        step.Skip = RecurrentInputs.Vector(context, 5, "factors past the state", _heads);
        step.Norm = RecurrentInputs.Vector(context, 6, "weights of the norm", step.Width);
        step.Recurrent = RecurrentStep.Bind(context, StateInput, rows, (long)_heads * step.StateFloats);
        return step.FindFault() is { } fault ? throw new InvalidDataException(fault) : step;
    }
}

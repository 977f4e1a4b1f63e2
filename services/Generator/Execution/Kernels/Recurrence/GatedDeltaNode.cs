namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>One gated delta rule of a session.</summary>
internal sealed unsafe class GatedDeltaNode : CustomOpNode
{
    private const int StateInput = 6;

    /// <summary>Below this many multiply-adds waking other threads costs more than it saves.</summary>
    private const long InlineWorkMax = 256 * 1024;

    private int _keyHeads;
    private int _valueHeads;
    private int _keySize;
    private int _gateColumn;
    private bool _tiled;
    private float _epsilon;

    public override string ToString() => GatedDeltaOp.OpName;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">An attribute is out of range.</exception>
    public static GatedDeltaNode Read(void* info)
    {
        var node = new GatedDeltaNode
        {
            _keyHeads = (int)OrtCustomOpApi.GetInteger(info, "key_heads\0"u8, 0),
            _valueHeads = (int)OrtCustomOpApi.GetInteger(info, "value_heads\0"u8, 0),
            _keySize = (int)OrtCustomOpApi.GetInteger(info, "key_size\0"u8, 0),
            _gateColumn = (int)OrtCustomOpApi.GetInteger(info, "gate_column\0"u8, 0),
            _tiled = OrtCustomOpApi.GetInteger(info, "tiled\0"u8, 0) != 0,
            _epsilon = OrtCustomOpApi.GetFloat(info, "epsilon\0"u8, 1e-6f),
        };
        if (node._keyHeads <= 0 || node._valueHeads <= 0 || node._valueHeads % node._keyHeads != 0)
            throw new NotSupportedException($"value_heads {node._valueHeads} must be a multiple of key_heads {node._keyHeads}");
        if (node._keySize is <= 0 or > GatedDeltaStep.KeySizeMax || node._gateColumn < 0)
            throw new NotSupportedException($"key_size {node._keySize} or gate_column {node._gateColumn} is out of range");
        return node._epsilon >= 0 && float.IsFinite(node._epsilon) ? node
            : throw new NotSupportedException($"epsilon is {node._epsilon}, neither 0 nor a positive number");
    }

    public override void Compute(void* context)
    {
        var step = Bind(context, out var rows);
        step.Output = (float*)OrtCustomOpApi.GetOutput(context, rows, step.ValueWidth);
        if (rows == 0)
            return;
        var kernel = GatedDeltaKernel.Best;
        ParallelLoop.Run(
            context, (delegate*<void*, nint, void>)kernel.Unit, &step, step.UnitCount, parallel: step.Work > InlineWorkMax);
    }

    /// <summary>Fetches and checks the inputs of a call.</summary>
    /// <exception cref="InvalidDataException">A shape, a length or a slot is wrong; nothing was written.</exception>
    private GatedDeltaStep Bind(void* context, out long rows)
    {
        var step = new GatedDeltaStep
        {
            KeyHeads = _keyHeads,
            ValueHeads = _valueHeads,
            KeySize = _keySize,
            IsTiled = _tiled,
            Epsilon = _epsilon,
        };
        var shape = stackalloc long[2];
        step.Norm = (float*)OrtCustomOpApi.GetInput(context, 5, new Span<long>(shape, 1));
        step.ValueSize = checked((int)shape[0]);
        step.Mixed = RecurrentInputs.Rows(context, 0, "rows", out rows, out var width);
        if (width != step.MixedWidth)
            throw new InvalidDataException($"rows have {width} columns, not {step.MixedWidth}");
        step.Gate = RecurrentInputs.Columns(context, 1, "gates", rows, _gateColumn, step.ValueWidth, out step.GateStride);
        step.Strength = RecurrentInputs.Columns(context, 2, "strengths and times", rows, 0, 2 * _valueHeads, out step.FactorStride);
        step.Time = step.Strength + _valueHeads;
        step.TimeBias = RecurrentInputs.Vector(context, 3, "biases of the times", _valueHeads);
        step.Decay = RecurrentInputs.Vector(context, 4, "rates of decay", _valueHeads);
        step.Recurrent = RecurrentStep.Bind(context, StateInput, rows, (long)_valueHeads * step.StateFloats);
        return step.FindFault() is { } fault ? throw new InvalidDataException(fault) : step;
    }
}

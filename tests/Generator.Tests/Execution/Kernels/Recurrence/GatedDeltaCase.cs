using Parley.Generator.Execution.Kernels.Recurrence;

namespace Parley.Generator.Tests.Execution.Kernels.Recurrence;

/// <summary>Rows of the gated delta rule: queries, keys, values | gates | strengths | times.</summary>
internal sealed unsafe class GatedDeltaCase : RecurrenceCase
{
    private const float Epsilon = 1e-5f;

    private readonly int _keyHeads;
    private readonly int _valueHeads;
    private readonly int _keySize;
    private readonly int _valueSize;
    private readonly bool _tiled;
    private readonly float[] _timeBias;
    private readonly float[] _decay;
    private readonly float[] _norm;

    public GatedDeltaCase(int rowCount, int keyHeads, int valueHeads, int keySize, int valueSize, bool tiled = false)
        : base(
            rowCount, (2 * keyHeads * keySize) + (2 * valueHeads * valueSize) + (2 * valueHeads), valueHeads * valueSize,
            valueHeads * keySize * valueSize, seed: keySize + valueSize)
    {
        (_keyHeads, _valueHeads, _keySize, _valueSize, _tiled) = (keyHeads, valueHeads, keySize, valueSize, tiled);
        _timeBias = Between(valueHeads, -1, 1);
        _decay = Between(valueHeads, -1, -0.01);
        _norm = Between(valueSize, 0.5, 1.5);
    }

    private int MixedWidth => (2 * _keyHeads * _keySize) + OutputWidth;

    public override double[] Expected()
    {
        var states = Enumerable.Range(0, _valueHeads).Select(_ => new double[_keySize, _valueSize]).ToArray();
        var expected = new double[RowCount * OutputWidth];
        for (var row = 0; row < RowCount; row++)
        {
            for (var head = 0; head < _valueHeads; head++)
                Advance(row, head, states[head], expected.AsSpan((row * OutputWidth) + (head * _valueSize), _valueSize));
        }

        return expected;
    }

    protected override void Run(string kernel, RecurrentStep rows, float* input, float* output)
    {
        var step = new GatedDeltaStep
        {
            Recurrent = rows,
            Gate = input + MixedWidth,
            Strength = input + MixedWidth + OutputWidth,
            Time = input + MixedWidth + OutputWidth + _valueHeads,
            TimeBias = Copy(_timeBias),
            Decay = Copy(_decay),
            Norm = Copy(_norm),
            Output = output,
            GateStride = InputWidth,
            FactorStride = InputWidth,
            KeyHeads = _keyHeads,
            ValueHeads = _valueHeads,
            KeySize = _keySize,
            ValueSize = _valueSize,
            IsTiled = _tiled,
            Epsilon = Epsilon,
        };
        // The convolution's rows lie by themselves.
        var mixed = new float[rows.RowCount * MixedWidth];
        for (var row = 0; row < rows.RowCount; row++)
            new Span<float>(input + (row * InputWidth), MixedWidth).CopyTo(mixed.AsSpan(row * MixedWidth));
        step.Mixed = Copy(mixed);
        Assert.Null(step.FindFault());
        GatedDeltaKernel.Get(kernel).Run(&step);
    }

    private void Advance(int row, int head, double[,] state, Span<double> result)
    {
        var values = Rows.AsSpan(row * InputWidth, InputWidth);
        var keyHead = _tiled ? head % _keyHeads : head / (_valueHeads / _keyHeads);
        var query = Unit(values.Slice(keyHead * _keySize, _keySize));
        var key = Unit(values.Slice((_keyHeads + keyHead) * _keySize, _keySize));
        var value = values.Slice((2 * _keyHeads * _keySize) + (head * _valueSize), _valueSize);
        var strength = Sigmoid(values[MixedWidth + OutputWidth + head]);
        var decay = Math.Exp(_decay[head] * SoftPlus(values[MixedWidth + OutputWidth + _valueHeads + head] + _timeBias[head]));
        for (var j = 0; j < _valueSize; j++)
        {
            var learned = 0.0;
            for (var i = 0; i < _keySize; i++)
                learned += (state[i, j] *= decay) * key[i];
            var correction = (value[j] - learned) * strength;
            for (var i = 0; i < _keySize; i++)
            {
                state[i, j] += key[i] * correction;
                result[j] += state[i, j] * query[i] / Math.Sqrt(_keySize);
            }
        }

        var mean = 0.0;
        foreach (var number in result)
            mean += number * number / _valueSize;
        for (var j = 0; j < _valueSize; j++)
        {
            var gate = (double)values[MixedWidth + (head * _valueSize) + j];
            result[j] *= _norm[j] / Math.Sqrt(mean + Epsilon) * gate * Sigmoid(gate);
        }
    }

    private static double[] Unit(ReadOnlySpan<float> vector)
    {
        var squares = 1e-6;
        foreach (var number in vector)
            squares += (double)number * number;
        var unit = new double[vector.Length];
        for (var i = 0; i < unit.Length; i++)
            unit[i] = vector[i] / Math.Sqrt(squares);
        return unit;
    }
}

using Parley.Generator.Execution.Kernels.Recurrence;

namespace Parley.Generator.Tests.Execution.Kernels.Recurrence;

/// <summary>Rows of Mamba-2's scan: values, B, C | gates | times.</summary>
internal sealed unsafe class MambaScanCase : RecurrenceCase
{
    private const float Epsilon = 1e-5f;

    private readonly int _heads;
    private readonly int _headSize;
    private readonly int _stateSize;
    private readonly int _groups;
    private readonly float[] _timeBias;
    private readonly float[] _decay;
    private readonly float[] _skip;
    private readonly float[] _norm;

    public MambaScanCase(int rowCount, int heads, int headSize, int stateSize, int groups)
        : base(
            rowCount, (2 * heads * headSize) + (2 * groups * stateSize) + heads, heads * headSize, heads * headSize * stateSize,
            seed: headSize + stateSize)
    {
        (_heads, _headSize, _stateSize, _groups) = (heads, headSize, stateSize, groups);
        _timeBias = Between(heads, -2, 0);
        _decay = Between(heads, -2, -0.01);
        _skip = Between(heads, -1, 1);
        _norm = Between(heads * headSize, 0.5, 1.5);
    }

    private int MixedWidth => OutputWidth + (2 * _groups * _stateSize);

    public override double[] Expected()
    {
        var states = Enumerable.Range(0, _heads).Select(_ => new double[_stateSize, _headSize]).ToArray();
        var expected = new double[RowCount * OutputWidth];
        for (var row = 0; row < RowCount; row++)
        {
            var result = expected.AsSpan(row * OutputWidth, OutputWidth);
            for (var head = 0; head < _heads; head++)
                Advance(row, head, states[head], result.Slice(head * _headSize, _headSize));
            Normalize(row, result);
        }

        return expected;
    }

    protected override void Run(string kernel, RecurrentStep rows, float* input, float* output)
    {
        var step = new MambaScanStep
        {
            Recurrent = rows,
            Gate = input + MixedWidth,
            Time = input + MixedWidth + OutputWidth,
            TimeBias = Copy(_timeBias),
            Decay = Copy(_decay),
            Skip = Copy(_skip),
            Norm = Copy(_norm),
            Output = output,
            GateStride = InputWidth,
            TimeStride = InputWidth,
            Heads = _heads,
            HeadSize = _headSize,
            StateSize = _stateSize,
            Groups = _groups,
            Epsilon = Epsilon,
        };
        // The convolution's rows lie by themselves.
        var mixed = new float[rows.RowCount * MixedWidth];
        for (var row = 0; row < rows.RowCount; row++)
            new Span<float>(input + (row * InputWidth), MixedWidth).CopyTo(mixed.AsSpan(row * MixedWidth));
        step.Mixed = Copy(mixed);
        Assert.Null(step.FindFault());
        MambaScanKernel.Get(kernel).Run(&step);
    }

    private void Advance(int row, int head, double[,] state, Span<double> result)
    {
        var values = Rows.AsSpan(row * InputWidth, InputWidth);
        var group = head / (_heads / _groups);
        var given = values.Slice(OutputWidth + (group * _stateSize), _stateSize);
        var read = values.Slice(OutputWidth + ((_groups + group) * _stateSize), _stateSize);
        var time = SoftPlus(values[MixedWidth + OutputWidth + head] + _timeBias[head]);
        var decay = Math.Exp(_decay[head] * time);
        for (var p = 0; p < _headSize; p++)
        {
            var x = (double)values[(head * _headSize) + p];
            result[p] = _skip[head] * x;
            for (var n = 0; n < _stateSize; n++)
            {
                state[n, p] = (decay * state[n, p]) + (time * x * given[n]);
                result[p] += state[n, p] * read[n];
            }
        }
    }

    private void Normalize(int row, Span<double> result)
    {
        var gates = Rows.AsSpan((row * InputWidth) + MixedWidth, OutputWidth);
        var size = OutputWidth / _groups;
        for (var start = 0; start < OutputWidth; start += size)
        {
            var mean = 0.0;
            for (var i = start; i < start + size; i++)
            {
                result[i] *= gates[i] * Sigmoid(gates[i]);
                mean += result[i] * result[i] / size;
            }

            for (var i = start; i < start + size; i++)
                result[i] *= _norm[i] / Math.Sqrt(mean + Epsilon);
        }
    }
}

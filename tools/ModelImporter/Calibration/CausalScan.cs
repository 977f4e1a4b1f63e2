using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>Mamba-2 of one layer over whole sequences that begin without a past.</summary>
internal sealed class CausalScan
{
    private readonly MambaScan _settings;
    private readonly ActivatedConvolution _convolution;
    private readonly float[] _timeBias;
    private readonly float[] _rates;
    private readonly float[] _skip;
    private readonly float[] _norm;
    private readonly float _epsilon;
    private readonly int _tokens;

    /// <param name="tensors">The checkpoint.</param>
    /// <param name="weights">The layer's.</param>
    /// <param name="epsilon">Added to the mean of squares in the norm.</param>
    /// <param name="tokens">Positions of a sequence at most.</param>
    public CausalScan(CheckpointTensors tensors, MambaWeights weights, float epsilon, int tokens)
    {
        (_settings, _epsilon, _tokens) = (weights.Settings, epsilon, tokens);
        _convolution = new ActivatedConvolution(tensors, weights.Convolution);
        (_timeBias, _rates) = (weights.ReadTimeBias(tensors), weights.ReadRates(tensors));
        (_skip, _norm) = (weights.ReadSkip(tensors), weights.ReadNorm(tensors));
    }

    /// <summary>Goes through each run of <c>tokens</c> rows.</summary>
    /// <param name="rows">Gates, then values, B and C [tokens, inner + channels].</param>
    /// <param name="times">A time for each head [tokens, heads].</param>
    /// <param name="mixed">Takes [tokens, inner].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public void Run(Matrix rows, Matrix times, Matrix mixed, ParallelOptions options)
    {
        for (var start = 0; start < rows.Rows; start += _tokens)
        {
            var (first, count) = (start, Math.Min(_tokens, rows.Rows - start));
            var convolved = _convolution.Run(rows.Slice(first, count, _settings.Inner, _settings.Channels), options);
            var target = mixed.Slice(first, count, 0, mixed.Columns);
            Parallel.For(0, _settings.Heads, options, head => RunHead(convolved, times.Slice(first, count, head, 1), target, head));
            Parallel.For(0, count, options, row => Finish(target.Row(row), rows.Row(first + row)[.._settings.Inner]));
        }
    }

    private void RunHead(Matrix convolved, Matrix times, Matrix target, int head)
    {
        var (size, width) = (_settings.HeadSize, _settings.StateSize);
        var group = _settings.Inner + (head / (_settings.Heads / _settings.Groups) * width);
        var state = new float[width * size];
        Span<float> given = new float[size];
        for (var row = 0; row < convolved.Rows; row++)
        {
            var values = convolved.Row(row);
            var result = target.Row(row).Slice(head * size, size);
            var written = values.Slice(group, width);
            var read = values.Slice(group + (_settings.Groups * width), width);
            var raw = times.Row(row)[0] + _timeBias[head];
            var time = raw > 20 ? raw : MathF.Log(1 + MathF.Exp(raw));
            TensorPrimitives.Multiply(values.Slice(head * size, size), time, given);
            TensorPrimitives.Multiply(values.Slice(head * size, size), _skip[head], result);
            TensorPrimitives.Multiply(state, MathF.Exp(_rates[head] * time), state);
            for (var n = 0; n < width; n++)
            {
                var part = state.AsSpan(n * size, size);
                TensorPrimitives.MultiplyAdd(given, written[n], part, part);
                TensorPrimitives.MultiplyAdd(part, read[n], result, result);
            }
        }
    }

    private void Finish(Span<float> result, ReadOnlySpan<float> gates)
    {
        for (var i = 0; i < result.Length; i++)
            result[i] *= gates[i] / (1 + MathF.Exp(-gates[i]));
        var size = _settings.Inner / _settings.Groups;
        for (var start = 0; start < result.Length; start += size)
        {
            var part = result.Slice(start, size);
            var factor = 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(part) / size) + _epsilon);
            for (var i = 0; i < size; i++)
                part[i] *= factor * _norm[start + i];
        }
    }
}

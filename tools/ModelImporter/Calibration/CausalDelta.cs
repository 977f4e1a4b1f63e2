using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>The gated delta rule of one layer over whole sequences that begin without a past.</summary>
internal sealed class CausalDelta
{
    private readonly GatedDelta _settings;
    private readonly ActivatedConvolution _convolution;
    private readonly float[] _timeBias;
    private readonly float[] _rates;
    private readonly float[] _norm;
    private readonly float _epsilon;
    private readonly bool _isTiled;
    private readonly int _tokens;

    /// <param name="tensors">The checkpoint.</param>
    /// <param name="weights">The layer's.</param>
    /// <param name="epsilon">Added to the mean of squares in the norm.</param>
    /// <param name="tokens">Positions of a sequence at most.</param>
    public CausalDelta(CheckpointTensors tensors, GatedDeltaWeights weights, float epsilon, int tokens)
    {
        (_settings, _epsilon, _tokens) = (weights.Settings, epsilon, tokens);
        _convolution = new ActivatedConvolution(tensors, weights.Convolution);
        (_timeBias, _rates, _norm) = (weights.ReadTimeBias(tensors), weights.ReadRates(tensors), weights.ReadNorm(tensors));
        _isTiled = _settings.IsTiled(tensors);
    }

    /// <summary>Goes through each run of <c>tokens</c> rows.</summary>
    /// <param name="rows">Queries, keys and values, then gates [tokens, channels + value width].</param>
    /// <param name="factors">Strengths, then times [tokens, 2 · value heads].</param>
    /// <param name="mixed">Takes [tokens, value width].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public void Run(Matrix rows, Matrix factors, Matrix mixed, ParallelOptions options)
    {
        for (var first = 0; first < rows.Rows; first += _tokens)
        {
            var count = Math.Min(_tokens, rows.Rows - first);
            var convolved = _convolution.Run(rows.Slice(first, count, 0, _settings.Channels), options);
            var gates = rows.Slice(first, count, _settings.Channels, _settings.ValueWidth);
            var part = factors.Slice(first, count, 0, factors.Columns);
            var target = mixed.Slice(first, count, 0, mixed.Columns);
            Parallel.For(0, _settings.ValueHeads, options, head => RunHead(convolved, gates, part, target, head));
        }
    }

    private void RunHead(Matrix convolved, Matrix gates, Matrix factors, Matrix target, int head)
    {
        var (keySize, size) = (_settings.KeySize, _settings.ValueSize);
        var keyHead = _isTiled ? head % _settings.KeyHeads : head / (_settings.ValueHeads / _settings.KeyHeads);
        var state = new float[keySize * size];
        Span<float> correction = new float[size];
        for (var row = 0; row < convolved.Rows; row++)
        {
            var values = convolved.Row(row);
            var result = target.Row(row).Slice(head * size, size);
            var query = values.Slice(keyHead * keySize, keySize);
            var key = values.Slice((_settings.KeyHeads + keyHead) * keySize, keySize);
            var queryScale = 1 / (MathF.Sqrt(keySize) * MathF.Sqrt(TensorPrimitives.SumOfSquares(query) + 1e-6f));
            var keyScale = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(key) + 1e-6f);
            var time = SoftPlus(factors.Row(row)[_settings.ValueHeads + head] + _timeBias[head]);
            TensorPrimitives.Multiply(state, MathF.Exp(_rates[head] * time), state);
            correction.Clear();
            for (var i = 0; i < keySize; i++)
                TensorPrimitives.MultiplyAdd(state.AsSpan(i * size, size), key[i] * keyScale, correction, correction);
            TensorPrimitives.Subtract(values.Slice((2 * _settings.KeyHeads * keySize) + (head * size), size), correction, correction);
            TensorPrimitives.Multiply(correction, 1 / (1 + MathF.Exp(-factors.Row(row)[head])), correction);
            result.Clear();
            for (var i = 0; i < keySize; i++)
            {
                var part = state.AsSpan(i * size, size);
                TensorPrimitives.MultiplyAdd(correction, key[i] * keyScale, part, part);
                TensorPrimitives.MultiplyAdd(part, query[i] * queryScale, result, result);
            }

            Finish(result, gates.Row(row).Slice(head * size, size));
        }
    }

    private void Finish(Span<float> result, ReadOnlySpan<float> gates)
    {
        var factor = 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(result) / result.Length) + _epsilon);
        for (var i = 0; i < result.Length; i++)
            result[i] *= factor * _norm[i] * gates[i] / (1 + MathF.Exp(-gates[i]));
    }

    private static float SoftPlus(float x) => x > 20 ? x : MathF.Log(1 + MathF.Exp(x));
}

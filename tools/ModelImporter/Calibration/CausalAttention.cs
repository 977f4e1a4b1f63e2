using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;

namespace Parley.ModelImporter.Calibration;

/// <summary>Attention over whole sequences, without a cache.</summary>
internal sealed class CausalAttention
{
    private readonly DecoderConfig _config;
    private readonly int _window;
    private readonly float[] _cosines;
    private readonly float[] _sines;

    /// <param name="config">The decoder.</param>
    /// <param name="window">Positions of a sequence at most.</param>
    public CausalAttention(DecoderConfig config, int window)
    {
        (_config, _window) = (config, window);
        var half = config.Shape.HeadSize / 2;
        _cosines = new float[window * half];
        _sines = new float[window * half];
        var frequencies = RotaryTables.InverseFrequencies(config.Rotary, config.Shape.HeadSize);
        for (var position = 0; position < window; position++)
            RotaryTables.Fill(frequencies, position, _cosines.AsSpan(position * half, half), _sines.AsSpan(position * half, half));
    }

    /// <summary>Attends within each run of <c>window</c> rows.</summary>
    /// <param name="qkv">Queries, keys and values [tokens, (query + 2 · key/value heads) · head size]; queries and keys get rotated.</param>
    /// <param name="mixed">Takes [tokens, query heads · head size].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public void Run(Matrix qkv, Matrix mixed, ParallelOptions options)
    {
        var shape = _config.Shape;
        var sequences = (qkv.Rows + _window - 1) / _window;
        Parallel.For(0, qkv.Rows, options, row => Rotate(qkv.Row(row), row % _window));
        Parallel.For(0, sequences * shape.QueryHeads, options, index =>
        {
            var (first, head) = (index / shape.QueryHeads * _window, index % shape.QueryHeads);
            var count = Math.Min(_window, qkv.Rows - first);
            var shared = head / (shape.QueryHeads / shape.KeyValueHeads);
            Attend(
                qkv.Slice(first, count, head * shape.HeadSize, shape.HeadSize),
                qkv.Slice(first, count, (shape.QueryHeads + shared) * shape.HeadSize, shape.HeadSize),
                qkv.Slice(first, count, (shape.QueryHeads + shape.KeyValueHeads + shared) * shape.HeadSize, shape.HeadSize),
                mixed.Slice(first, count, head * shape.HeadSize, shape.HeadSize));
        });
    }

    private static void Attend(Matrix queries, Matrix keys, Matrix values, Matrix mixed)
    {
        var count = queries.Rows;
        var scores = new Matrix(new float[count * count], count, count);
        MatrixProduct.Add(scores, queries, keys.Transposed, (float)(1 / Math.Sqrt(queries.Columns)));
        for (var row = 0; row < count; row++)
        {
            var past = scores.Row(row)[..(row + 1)];
            TensorPrimitives.SoftMax(past, past);
            scores.Row(row)[(row + 1)..].Clear();
            mixed.Row(row).Clear();
        }

        MatrixProduct.Add(mixed, scores, values);
    }

    /// <summary>Pairs are (i, i + half) of each query and key head.</summary>
    private void Rotate(Span<float> row, int position)
    {
        var half = _config.Shape.HeadSize / 2;
        var cosines = _cosines.AsSpan(position * half, half);
        var sines = _sines.AsSpan(position * half, half);
        for (var head = 0; head < _config.Shape.QueryHeads + _config.Shape.KeyValueHeads; head++)
        {
            var values = row.Slice(head * 2 * half, 2 * half);
            for (var i = 0; i < half; i++)
            {
                var (a, b) = (values[i], values[half + i]);
                values[i] = (a * cosines[i]) - (b * sines[i]);
                values[half + i] = (b * cosines[i]) + (a * sines[i]);
            }
        }
    }
}

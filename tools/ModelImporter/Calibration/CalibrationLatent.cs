using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>
/// Latent attention of one layer over whole sequences: keys and values of all heads are expanded, a sequence at a time, and attended to as
/// any others, with what turns before what does not.
/// </summary>
internal sealed class CalibrationLatent
{
    private readonly LatentSettings _settings;
    private readonly RowNorm _norm;
    private readonly Matrix[] _keys;
    private readonly Matrix[] _values;
    private readonly CausalAttention _attention;
    private readonly int _window;

    /// <param name="tensors">The checkpoint.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="layer">Which layer.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="window">Positions of a sequence at most.</param>
    public CalibrationLatent(
        CheckpointTensors tensors, DecoderConfig config, int layer, DecoderLayerWeights weights, int window)
    {
        var latent = weights.Latent!;
        (_settings, _window) = (latent.Settings, window);
        _norm = new RowNorm(tensors, LatentSettings.Norm, latent.LatentNorm);
        _keys = [.. latent.Keys.Select(head => Read(tensors, head))];
        _values = [.. latent.Values.Select(head => Read(tensors, head))];
        var attention = config.Layers[layer];
        var shape = config.Shape with { KeyValueHeads = _keys.Length, HeadSize = Size };
        attention = attention with { Rotary = attention.Rotary! with { Dimensions = _settings.RotarySize } };
        _attention = new CausalAttention(tensors, shape, attention, weights, window, clip: 0);
    }

    /// <summary>Numbers of a head, the same for queries, keys and values.</summary>
    private int Size => Math.Max(_settings.QuerySize, _settings.ValueSize);

    /// <summary>Attends within each run of a window's rows.</summary>
    /// <param name="queries">[tokens, heads · query size].</param>
    /// <param name="latents">[tokens, rank + what turns], the latent before its norm.</param>
    /// <param name="options">Threads and the end of the work.</param>
    /// <returns>[tokens, heads · value size].</returns>
    public Matrix Run(Matrix queries, Matrix latents, ParallelOptions options)
    {
        var (heads, value) = (_keys.Length, _settings.ValueSize);
        var mixed = Create(queries.Rows, heads * value);
        for (var first = 0; first < queries.Rows; first += _window)
        {
            var count = Math.Min(_window, queries.Rows - first);
            var expanded = Expand(
                queries.Slice(first, count, 0, queries.Columns), latents.Slice(first, count, 0, latents.Columns), options);
            var wide = Create(count, heads * Size);
            _attention.Run(expanded, wide, options);
            for (var row = 0; row < count; row++)
            {
                for (var head = 0; head < heads; head++)
                    wide.Row(row).Slice(head * Size, value).CopyTo(mixed.Row(first + row)[(head * value)..]);
            }
        }

        return mixed;
    }

    /// <summary>Queries, keys and values [tokens, 3 · heads · size]; numbers that one has not are 0.</summary>
    private Matrix Expand(Matrix queries, Matrix latents, ParallelOptions options)
    {
        var (heads, rank, turning, plain) = (_keys.Length, _settings.Rank, _settings.RotarySize, _settings.PlainSize);
        var (count, width) = (queries.Rows, heads * Size);
        var expanded = Create(count, 3 * width);
        var normalized = Create(count, rank);
        Parallel.For(0, count, options, row =>
        {
            _norm.Apply(latents.Row(row)[..rank], normalized.Row(row), rank);
            for (var head = 0; head < heads; head++)
            {
                var query = queries.Row(row).Slice(head * _settings.QuerySize, _settings.QuerySize);
                query[plain..].CopyTo(expanded.Row(row)[(head * Size)..]);
                query[..plain].CopyTo(expanded.Row(row)[((head * Size) + turning)..]);
                latents.Row(row)[rank..].CopyTo(expanded.Row(row)[(width + (head * Size))..]);
            }
        });
        Parallel.For(0, heads, options, head =>
        {
            MatrixProduct.Add(expanded.Slice(0, count, width + (head * Size) + turning, plain), normalized, _keys[head]);
            MatrixProduct.Add(
                expanded.Slice(0, count, (2 * width) + (head * Size), _settings.ValueSize), normalized, _values[head].Transposed);
        });
        return expanded;
    }

    private static Matrix Create(int rows, int columns) => new(new float[checked(rows * columns)], rows, columns);

    private static Matrix Read(CheckpointTensors tensors, LinearWeights linear)
    {
        var weights = Create(linear.Outputs, linear.Inputs);
        for (var row = 0; row < linear.Outputs; row++)
            linear.Read(tensors, row, 0, weights.Row(row));
        return weights;
    }
}

using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Calibration;

/// <summary>The attention of one layer over whole sequences, without a cache.</summary>
internal sealed class CausalAttention
{
    private readonly ModelShape _shape;
    private readonly LayerAttention _settings;
    private readonly int _tokens;
    private readonly float _clip;
    private readonly float[]? _sinks;
    private readonly RowNorm? _queryNorm;
    private readonly RowNorm? _keyNorm;
    private readonly RowNorm? _valueNorm;
    private readonly int _pairs;
    private readonly float[] _cosines = [];
    private readonly float[] _sines = [];

    /// <param name="tensors">The checkpoint.</param>
    /// <param name="shape">The decoder's sizes.</param>
    /// <param name="settings">What the layer's attention does.</param>
    /// <param name="weights">Its norms.</param>
    /// <param name="tokens">Positions of a sequence at most.</param>
    /// <param name="clip">Where queries, keys and values are cut off behind their norms; 0 for nowhere.</param>
    public CausalAttention(
        CheckpointTensors tensors, ModelShape shape, LayerAttention settings, DecoderLayerWeights weights, int tokens, double clip)
    {
        (_shape, _settings, _tokens, _clip) = (shape, settings, tokens, (float)clip);
        if (weights.Sinks is not null)
            tensors.Read(weights.Sinks, 0, _sinks = new float[shape.QueryHeads]);
        if (settings.HeadNorm is { } norm)
        {
            _queryNorm = new RowNorm(tensors, norm.Settings, weights.QueryNorm!);
            _keyNorm = weights.KeyNorm is null ? null : new RowNorm(tensors, norm.Settings, weights.KeyNorm);
            if (settings.NormalizesValues)
                _valueNorm = new RowNorm(tensors, norm.Settings, new NormWeights([], null, shape.HeadSize));
        }

        if (settings.Rotary is not { } rotary)
            return;
        _pairs = rotary.Pairs(shape.HeadSize);
        _cosines = new float[tokens * _pairs];
        _sines = new float[tokens * _pairs];
        var frequencies = RotaryTables.InverseFrequencies(rotary, shape.HeadSize);
        for (var position = 0; position < tokens; position++)
        {
            RotaryTables.Fill(
                frequencies, rotary.AttentionFactor, position, _cosines.AsSpan(position * _pairs, _pairs),
                _sines.AsSpan(position * _pairs, _pairs));
        }
    }

    /// <summary>Puts keys and values behind queries that came without: keys for values, or what another layer attended to.</summary>
    /// <param name="rows">What the layer's linear gives.</param>
    /// <param name="others">Keys and values of another layer [tokens, 2 · key/value heads · head size], as it left them.</param>
    public Matrix Complete(Matrix rows, Matrix others)
    {
        if (_settings is { KeysOf: null, KeysAreValues: false })
            return rows;
        var (queries, keys) = (_shape.QueryHeads * _shape.HeadSize, _shape.KeyValueHeads * _shape.HeadSize);
        var columns = queries + (2 * keys);
        var complete = new Matrix(new float[checked(rows.Rows * columns)], rows.Rows, columns);
        for (var row = 0; row < rows.Rows; row++)
        {
            rows.Row(row).CopyTo(complete.Row(row));
            if (_settings.KeysOf is null)
                rows.Row(row)[queries..].CopyTo(complete.Row(row)[(queries + keys)..]);
            else
                others.Row(row).CopyTo(complete.Row(row)[queries..]);
        }

        return complete;
    }

    /// <summary>Attends within each run of <c>tokens</c> rows.</summary>
    /// <param name="qkv">
    /// Queries, keys and values [tokens, (query + 2 · key/value heads) · head size], behind them gates of the heads, or of their numbers,
    /// where they have some; queries and keys get normalised and rotated.
    /// </param>
    /// <param name="mixed">Takes [tokens, query heads · head size].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public void Run(Matrix qkv, Matrix mixed, ParallelOptions options)
    {
        var shape = _shape;
        var sequences = (qkv.Rows + _tokens - 1) / _tokens;
        Parallel.For(0, qkv.Rows, options, row => Prepare(qkv.Row(row), row % _tokens));
        Parallel.For(0, sequences * shape.QueryHeads, options, index =>
        {
            var (first, head) = (index / shape.QueryHeads * _tokens, index % shape.QueryHeads);
            var count = Math.Min(_tokens, qkv.Rows - first);
            var shared = head / (shape.QueryHeads / shape.KeyValueHeads);
            Attend(
                qkv.Slice(first, count, head * shape.HeadSize, shape.HeadSize),
                qkv.Slice(first, count, (shape.QueryHeads + shared) * shape.HeadSize, shape.HeadSize),
                qkv.Slice(first, count, (shape.QueryHeads + shape.KeyValueHeads + shared) * shape.HeadSize, shape.HeadSize),
                mixed.Slice(first, count, head * shape.HeadSize, shape.HeadSize),
                _sinks?[head]);
            for (var row = first; row < first + count && _settings.HasOutputGate; row++)
            {
                var gates = qkv.Row(row).Slice((shape.QueryHeads + (2 * shape.KeyValueHeads) + head) * shape.HeadSize, shape.HeadSize);
                var values = mixed.Row(row).Slice(head * shape.HeadSize, shape.HeadSize);
                TensorPrimitives.Sigmoid(gates, gates);
                TensorPrimitives.Multiply(values, gates, values);
            }

            for (var row = first; row < first + count && _settings.HasHeadGate; row++)
            {
                var values = mixed.Row(row).Slice(head * shape.HeadSize, shape.HeadSize);
                TensorPrimitives.Multiply(values, 1 / (1 + MathF.Exp(-qkv.Row(row)[head - shape.QueryHeads + qkv.Columns])), values);
            }
        });
    }

    private void Attend(Matrix queries, Matrix keys, Matrix values, Matrix mixed, float? sink)
    {
        var count = queries.Rows;
        var scores = new Matrix(new float[count * count], count, count);
        MatrixProduct.Add(scores, queries, keys.Transposed, (float)_settings.Scale);
        for (var row = 0; row < count; row++)
        {
            var first = _settings.Window == 0 ? 0 : Math.Max(row + 1 - _settings.Window, 0);
            var past = scores.Row(row)[first..(row + 1)];
            if (_settings.Softcap != 0)
            {
                TensorPrimitives.Divide(past, (float)_settings.Softcap, past);
                TensorPrimitives.Tanh(past, past);
                TensorPrimitives.Multiply(past, (float)_settings.Softcap, past);
            }

            Weigh(past, sink);
            scores.Row(row)[..first].Clear();
            scores.Row(row)[(row + 1)..].Clear();
            mixed.Row(row).Clear();
        }

        MatrixProduct.Add(mixed, scores, values);
    }

    /// <summary>Scores to weights; a sink takes its part and has no value.</summary>
    private static void Weigh(Span<float> scores, float? sink)
    {
        if (sink is not { } score)
        {
            TensorPrimitives.SoftMax(scores, scores);
            return;
        }

        var largest = MathF.Max(TensorPrimitives.Max<float>(scores), score);
        TensorPrimitives.Subtract(scores, largest, scores);
        TensorPrimitives.Exp(scores, scores);
        TensorPrimitives.Divide(scores, TensorPrimitives.Sum<float>(scores) + MathF.Exp(score - largest), scores);
    }

    private void Prepare(Span<float> row, int position)
    {
        var (size, queries) = (_shape.HeadSize, _shape.QueryHeads * _shape.HeadSize);
        var keys = queries + (_shape.KeyValueHeads * size);
        // Keys of another layer have been there.
        var heads = row[..(_settings.KeysOf is null ? keys : queries)];
        _valueNorm?.Apply(row[keys..], row[keys..], size);
        var isLate = _settings.HeadNorm is { Kind: HeadNormKind.PerHeadRotated };
        if (!isLate)
            Normalize(heads, queries);
        if (_clip != 0)
        {
            TensorPrimitives.Min(row, _clip, row);
            TensorPrimitives.Max(row, -_clip, row);
        }

        if (_pairs > 0)
        {
            for (var start = 0; start < heads.Length; start += size)
                Rotate(heads.Slice(start, size), position);
        }

        if (isLate)
            Normalize(heads, queries);
        if (_settings.QueryBeta == 0)
            return;
        var scale = 1 + (_settings.QueryBeta * Math.Log(1 + (position / _settings.QueryPositions)));
        TensorPrimitives.Multiply(heads[..queries], (float)scale, heads[..queries]);
    }

    private void Normalize(Span<float> heads, int queries)
    {
        if (_settings.HeadNorm is not { } norm)
            return;
        var isWhole = norm.Kind == HeadNormKind.Whole;
        _queryNorm!.Apply(heads[..queries], heads[..queries], isWhole ? queries : _shape.HeadSize);
        _keyNorm?.Apply(heads[queries..], heads[queries..], isWhole ? heads.Length - queries : _shape.HeadSize);
    }

    /// <summary>Pairs are (i, i + pairs) of a head, or where they are neighbours (2i, 2i + 1).</summary>
    private void Rotate(Span<float> values, int position)
    {
        var (step, distance) = _settings.Rotary!.IsInterleaved ? (2, 1) : (1, _pairs);
        for (var i = 0; i < _pairs; i++)
        {
            var (cosine, sine) = (_cosines[(position * _pairs) + i], _sines[(position * _pairs) + i]);
            var (a, b) = (values[i * step], values[(i * step) + distance]);
            values[i * step] = (a * cosine) - (b * sine);
            values[(i * step) + distance] = (b * cosine) + (a * sine);
        }
    }
}

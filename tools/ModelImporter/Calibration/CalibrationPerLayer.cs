using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>
/// Embeddings per layer of a text: a layer's numbers are made when it is reached, since those of all layers would be larger than all else.
/// </summary>
internal sealed class CalibrationPerLayer
{
    private readonly CheckpointTensors _tensors;
    private readonly PerLayerWeights _weights;
    private readonly IReadOnlyList<int> _ids;
    private readonly Matrix _embeddings;
    private readonly RowNorm _norm;
    private readonly Activation _activation;
    private readonly int _width;

    /// <param name="tensors">The checkpoint.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="weights">The table and the projection.</param>
    /// <param name="ids">The text.</param>
    /// <param name="embeddings">Embeddings of its tokens, scaled [tokens, hidden]; they are copied.</param>
    public CalibrationPerLayer(
        CheckpointTensors tensors, DecoderConfig config, PerLayerWeights weights, IReadOnlyList<int> ids, Matrix embeddings)
    {
        (_tensors, _weights, _ids, _width, _activation) = (tensors, weights, ids, config.PerLayer!.Width, config.Activation);
        _embeddings = new Matrix([.. embeddings.Data], embeddings.Rows, embeddings.Columns);
        _norm = new RowNorm(tensors, config.Norm, weights.Norm);
    }

    /// <summary>What the layer's second linear reads: its embeddings as far as the gate opens.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="gate">What its first linear gives [tokens, width].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public Matrix Open(int layer, Matrix gate, ParallelOptions options)
    {
        var projection = new Matrix(new float[checked(_width * _embeddings.Columns)], _width, _embeddings.Columns);
        for (var row = 0; row < _width; row++)
            _weights.Projection.Read(_tensors, (layer * _width) + row, 0, projection.Row(row));
        var opened = new Matrix(new float[checked(gate.Rows * _width)], gate.Rows, _width);
        MatrixProduct.Add(opened, _embeddings, projection.Transposed, options, 1 / MathF.Sqrt(_embeddings.Columns));
        Parallel.For(0, gate.Rows, options, row =>
        {
            var values = opened.Row(row);
            _norm.Apply(values, values, _width);
            var own = new float[_width];
            _weights.Table.Read(_tensors, _ids[row], layer * _width, own);
            TensorPrimitives.MultiplyAdd(own, MathF.Sqrt(_width), values, values);
            TensorPrimitives.Multiply(values, MathF.Sqrt(0.5f), values);
            ActivationFunction.Apply(_activation, gate.Row(row));
            TensorPrimitives.Multiply(values, gate.Row(row), values);
        });
        return opened;
    }
}

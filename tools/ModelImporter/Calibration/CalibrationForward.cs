using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>
/// A forward pass over a text, linear by linear, so that each linear is rounded for the inputs that the ones before it, rounded already,
/// give it.
/// </summary>
/// <remarks>
/// One call of <see cref="Inputs"/> and one of <see cref="Advance"/> per linear, in the order of the computation: qkv, attention output,
/// gate and up, down, layer by layer. It holds the residual stream and the inputs of one linear: (hidden + its inputs) · tokens numbers.
/// </remarks>
internal sealed class CalibrationForward
{
    /// <summary>Tokens of a sequence; each begins without a past.</summary>
    public const int WindowTokens = 512;

    private const int LinearsPerLayer = 4;

    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly CausalAttention _attention;
    private readonly Matrix _residual;
    private Matrix _inputs;
    private int _step;

    public CalibrationForward(CheckpointReader checkpoint, IReadOnlyList<int> ids)
    {
        _tensors = checkpoint.Tensors;
        _config = checkpoint.Config;
        _weights = checkpoint.Weights;
        _attention = new CausalAttention(_config, WindowTokens);
        _residual = Create(ids.Count, _config.Shape.HiddenSize);
        for (var token = 0; token < ids.Count; token++)
            _weights.Embedding.Read(_tensors, ids[token], 0, _residual.Row(token));
        _inputs = Normalize(_weights.Layers[0].AttentionNorm, new ParallelOptions());
    }

    /// <summary>The inputs of the next linear [tokens, inputs].</summary>
    /// <exception cref="InvalidOperationException">Another linear is next.</exception>
    public Matrix Inputs(LinearWeights linear)
    {
        var expected = _weights.Layers[_step / LinearsPerLayer].Linears[_step % LinearsPerLayer];
        return linear.Name == expected.Name ? _inputs
            : throw new InvalidOperationException($"{linear.Name} is rounded where {expected.Name} is next.");
    }

    /// <summary>Goes on past a linear.</summary>
    /// <param name="linear">The linear.</param>
    /// <param name="rounded">Its weights as they will be [outputs, inputs].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public void Advance(LinearWeights linear, Matrix rounded, ParallelOptions options)
    {
        var layer = _weights.Layers[_step / LinearsPerLayer];
        switch (_step++ % LinearsPerLayer)
        {
            case 0:
                var qkv = Create(_inputs.Rows, linear.Outputs);
                Multiply(qkv, _inputs, linear, rounded, options);
                _inputs = Create(_inputs.Rows, layer.AttentionOutput.Inputs);
                _attention.Run(qkv, _inputs, options);
                break;
            case 1:
                Multiply(_residual, _inputs, linear, rounded, options);
                _inputs = Normalize(layer.MlpNorm, options);
                break;
            case 2:
                _inputs = Gate(linear, rounded, options);
                break;
            default:
                Multiply(_residual, _inputs, linear, rounded, options);
                if (_step < LinearsPerLayer * _weights.Layers.Count)
                    _inputs = Normalize(_weights.Layers[_step / LinearsPerLayer].AttentionNorm, options);
                break;
        }
    }

    private static Matrix Create(int rows, int columns) => new(new float[checked(rows * columns)], rows, columns);

    private void Multiply(Matrix outputs, Matrix inputs, LinearWeights linear, Matrix weights, ParallelOptions options)
    {
        MatrixProduct.Add(outputs, inputs, weights.Transposed, options);
        if (!linear.HasBias)
            return;
        var bias = linear.ReadBias(_tensors);
        Parallel.For(0, outputs.Rows, options, row => TensorPrimitives.Add(outputs.Row(row), bias, outputs.Row(row)));
    }

    /// <summary>SiLU(gate) · up, a sequence at a time: gate and up of the whole text would be the largest matrix of all.</summary>
    private Matrix Gate(LinearWeights linear, Matrix rounded, ParallelOptions options)
    {
        var width = _config.Shape.IntermediateSize;
        var gated = Create(_inputs.Rows, width);
        for (var first = 0; first < _inputs.Rows; first += WindowTokens)
        {
            var count = Math.Min(WindowTokens, _inputs.Rows - first);
            var both = Create(count, linear.Outputs);
            Multiply(both, _inputs.Slice(first, count, 0, _inputs.Columns), linear, rounded, options);
            var start = first;
            Parallel.For(0, count, options, row =>
            {
                var gate = both.Row(row)[..width];
                var target = gated.Row(start + row);
                TensorPrimitives.Sigmoid(gate, target);
                TensorPrimitives.Multiply(target, gate, target);
                TensorPrimitives.Multiply(target, both.Row(row)[width..], target);
            });
        }

        return gated;
    }

    private Matrix Normalize(string norm, ParallelOptions options)
    {
        var weight = new float[_residual.Columns];
        _tensors.Read(norm, 0, weight);
        var normalized = Create(_residual.Rows, _residual.Columns);
        Parallel.For(0, _residual.Rows, options, row =>
        {
            var source = _residual.Row(row);
            var scale = 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(source) / source.Length) + _config.NormEpsilon);
            TensorPrimitives.Multiply(source, scale, normalized.Row(row));
            TensorPrimitives.Multiply(normalized.Row(row), weight, normalized.Row(row));
        });
        return normalized;
    }
}

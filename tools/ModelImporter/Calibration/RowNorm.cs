using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>A norm over rows in memory.</summary>
internal sealed class RowNorm
{
    private readonly NormSettings _settings;
    private readonly float[] _weight;
    private readonly float[]? _bias;

    /// <summary>Reads its weights.</summary>
    public RowNorm(CheckpointTensors tensors, NormSettings settings, NormWeights weights)
    {
        _settings = settings;
        _weight = weights.Read(tensors, settings);
        _bias = weights.Bias is null ? null : weights.ReadBias(tensors);
    }

    /// <summary>Normalises a row, each part of it for itself.</summary>
    /// <param name="source">The row.</param>
    /// <param name="target">Takes the result; may be the row.</param>
    /// <param name="part">Numbers that are normalised together; weights that are fewer than the row repeat.</param>
    public void Apply(ReadOnlySpan<float> source, Span<float> target, int part)
    {
        for (var start = 0; start < source.Length; start += part)
        {
            var to = target.Slice(start, part);
            Normalize(source.Slice(start, part), to);
            var weight = start % _weight.Length;
            TensorPrimitives.Multiply(to, _weight.AsSpan(weight, part), to);
            if (_bias is not null)
                TensorPrimitives.Add(to, _bias.AsSpan(weight, part), to);
        }
    }

    private void Normalize(ReadOnlySpan<float> source, Span<float> target)
    {
        if (_settings.Kind == NormKind.Layer)
        {
            TensorPrimitives.Subtract(source, TensorPrimitives.Sum(source) / source.Length, target);
            source = target;
        }

        var scale = 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares(source) / source.Length) + _settings.Epsilon);
        TensorPrimitives.Multiply(source, scale, target);
    }
}

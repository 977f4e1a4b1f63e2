using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>The short convolution in front of a recurrence, with the SiLU behind it, over a sequence that begins without a past.</summary>
internal sealed class ActivatedConvolution(CheckpointTensors tensors, ConvolutionWeights weights)
{
    private readonly float[] _weights = weights.Read(tensors);
    private readonly float[]? _bias = weights.Bias is null ? null : weights.ReadBias(tensors);

    /// <summary>Convolves.</summary>
    /// <param name="rows">The sequence [tokens, channels].</param>
    /// <param name="options">Threads and the end of the work.</param>
    /// <returns>[tokens, channels].</returns>
    public Matrix Run(Matrix rows, ParallelOptions options)
    {
        var channels = weights.Channels;
        var convolved = new Matrix(new float[checked(rows.Rows * channels)], rows.Rows, channels);
        Parallel.For(0, rows.Rows, options, row =>
        {
            var target = convolved.Row(row);
            _bias?.CopyTo(target);
            for (var i = Math.Max(0, weights.Width - 1 - row); i < weights.Width; i++)
            {
                var source = rows.Row(row - weights.Width + 1 + i);
                for (var channel = 0; channel < channels; channel++)
                    target[channel] += _weights[(i * channels) + channel] * source[channel];
            }

            for (var channel = 0; channel < channels; channel++)
                target[channel] /= 1 + MathF.Exp(-target[channel]);
        });
        return convolved;
    }
}

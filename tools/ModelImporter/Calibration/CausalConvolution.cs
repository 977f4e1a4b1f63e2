using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>The gated short convolution of one layer over whole sequences, without a state.</summary>
internal sealed class CausalConvolution
{
    private readonly int _channels;
    private readonly int _width;
    private readonly int _tokens;
    private readonly float[] _weights;
    private readonly float[]? _bias;

    /// <param name="tensors">The checkpoint.</param>
    /// <param name="weights">The layer's.</param>
    /// <param name="tokens">Positions of a sequence at most.</param>
    public CausalConvolution(CheckpointTensors tensors, ConvolutionWeights weights, int tokens)
    {
        (_channels, _width, _tokens) = (weights.Channels, weights.Width, tokens);
        _weights = weights.Read(tensors);
        _bias = weights.Bias is null ? null : weights.ReadBias(tensors);
    }

    /// <summary>Convolves within each run of <c>tokens</c> rows.</summary>
    /// <param name="rows">Gate of the input, gate of the output, input [tokens, 3 · channels].</param>
    /// <param name="mixed">Takes [tokens, channels].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public void Run(Matrix rows, Matrix mixed, ParallelOptions options) => Parallel.For(0, rows.Rows, options, row =>
    {
        var first = row / _tokens * _tokens;
        var target = mixed.Row(row);
        var gate = rows.Row(row).Slice(_channels, _channels);
        for (var channel = 0; channel < _channels; channel++)
        {
            var sum = _bias?[channel] ?? 0;
            for (var i = Math.Max(0, first - (row - _width + 1)); i < _width; i++)
            {
                var source = rows.Row(row - _width + 1 + i);
                sum += _weights[(i * _channels) + channel] * source[channel] * source[(2 * _channels) + channel];
            }

            target[channel] = sum * gate[channel];
        }
    });
}

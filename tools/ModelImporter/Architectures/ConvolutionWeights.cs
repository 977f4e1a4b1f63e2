using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>The stored weights of a short convolution.</summary>
/// <param name="Weight">Tensor [channels, 1, width], in GGUF files [channels, width].</param>
/// <param name="Bias">Tensor [channels]; null for none.</param>
/// <param name="Channels">Channels, each convolved by itself.</param>
/// <param name="Width">Inputs that a token sees.</param>
internal sealed record ConvolutionWeights(string Weight, string? Bias, int Channels, int Width) : RecurrenceWeights
{
    public override IReadOnlyList<string> Names => Bias is null ? [Weight] : [Weight, Bias];

    public override long Parameters => (long)Channels * (Width + (Bias is null ? 0 : 1));

    public override void Check(CheckpointTensors tensors)
    {
        if (tensors.Gguf is null)
            tensors.Check(Weight, Channels, 1, Width);
        else
            tensors.Check(Weight, Channels, Width);
        if (Bias is not null)
            tensors.Check(Bias, Channels);
    }

    /// <summary>The weights as the operator reads them [width, channels], that of the oldest input first.</summary>
    public float[] Read(CheckpointTensors tensors)
    {
        var stored = new float[Channels * Width];
        tensors.Read(Weight, 0, stored);
        var weights = new float[stored.Length];
        for (var channel = 0; channel < Channels; channel++)
        {
            for (var i = 0; i < Width; i++)
                weights[(i * Channels) + channel] = stored[(channel * Width) + i];
        }

        return weights;
    }

    /// <summary>What is added to each channel's sum.</summary>
    public float[] ReadBias(CheckpointTensors tensors)
    {
        var bias = new float[Channels];
        tensors.Read(Bias!, 0, bias);
        return bias;
    }
}

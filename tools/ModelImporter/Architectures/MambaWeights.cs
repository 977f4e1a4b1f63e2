using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>The small tensors of a Mamba-2 layer.</summary>
/// <param name="Settings">Its sizes.</param>
/// <param name="Convolution">The short convolution in front of it.</param>
/// <param name="Times">A time for each head.</param>
/// <param name="Module">Prefix of the others.</param>
internal sealed record MambaWeights(MambaScan Settings, ConvolutionWeights Convolution, LinearWeights Times, string Module)
    : RecurrenceWeights
{
    private string Rates => $"{Module}.A_log";

    private string Skip => $"{Module}.D";

    private string TimeBias => $"{Module}.dt_bias";

    private string Norm => $"{Module}.norm.weight";

    public override IReadOnlyList<string> Names => [.. Convolution.Names, Rates, Skip, TimeBias, Norm];

    public override long Parameters => Convolution.Parameters + (3 * Settings.Heads) + Settings.Inner;

    public override IReadOnlyList<LinearWeights> Linears => [Times];

    public override IEnumerable<(string Name, int[] Shape)> Tensors =>
    [
        .. Convolution.Tensors, (Rates, [Settings.Heads]), (Skip, [Settings.Heads]), (TimeBias, [Settings.Heads]),
        (Norm, [Settings.Inner]),
    ];

    public override void Check(CheckpointTensors tensors)
    {
        Convolution.Check(tensors);
        tensors.Check(TimeBias, Settings.Heads);
        if (tensors.Gguf is null)
        {
            tensors.Check(Rates, Settings.Heads);
            tensors.Check(Skip, Settings.Heads);
            tensors.Check(Norm, Settings.Inner);
            return;
        }

        // As llama.cpp's converter shapes them.
        tensors.Check(Rates, Settings.Heads, 1);
        tensors.Check(Skip, Settings.Heads, 1);
        tensors.Check(Norm, Settings.Groups, Settings.Inner / Settings.Groups);
    }

    /// <summary>What is added to the times [heads].</summary>
    public float[] ReadTimeBias(CheckpointTensors tensors) => Read(tensors, TimeBias, Settings.Heads);

    /// <summary>What they are multiplied with, negative [heads].</summary>
    public float[] ReadRates(CheckpointTensors tensors) => ReadRates(tensors, Rates, Settings.Heads);

    /// <summary>Factors on what goes past the state [heads].</summary>
    public float[] ReadSkip(CheckpointTensors tensors) => Read(tensors, Skip, Settings.Heads);

    /// <summary>Weights of the norm [inner].</summary>
    public float[] ReadNorm(CheckpointTensors tensors) => Read(tensors, Norm, Settings.Inner);
}

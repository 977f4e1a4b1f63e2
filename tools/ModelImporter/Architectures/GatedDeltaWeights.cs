using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>The small tensors of a gated delta rule.</summary>
/// <param name="Settings">Its sizes.</param>
/// <param name="Convolution">The short convolution in front of it.</param>
/// <param name="Factors">A strength and a time for each value head.</param>
/// <param name="Module">Prefix of the others.</param>
internal sealed record GatedDeltaWeights(GatedDelta Settings, ConvolutionWeights Convolution, LinearWeights Factors, string Module)
    : RecurrenceWeights
{
    /// <summary>Logarithms of the rates of decay, in GGUF files the rates themselves.</summary>
    private string Rates => $"{Module}.A_log";

    private string TimeBias => $"{Module}.dt_bias";

    private string Norm => $"{Module}.norm.weight";

    public override IReadOnlyList<string> Names => [.. Convolution.Names, Rates, TimeBias, Norm];

    public override long Parameters => Convolution.Parameters + (2 * Settings.ValueHeads) + Settings.ValueSize;

    public override IReadOnlyList<LinearWeights> Linears => [Factors];

    public override IEnumerable<(string Name, int[] Shape)> Tensors =>
    [
        .. Convolution.Tensors, (Rates, [Settings.ValueHeads]), (TimeBias, [Settings.ValueHeads]), (Norm, [Settings.ValueSize]),
    ];

    public override void Check(CheckpointTensors tensors)
    {
        Convolution.Check(tensors);
        tensors.Check(Rates, Settings.ValueHeads);
        tensors.Check(TimeBias, Settings.ValueHeads);
        tensors.Check(Norm, Settings.ValueSize);
    }

    /// <summary>What is added to the times [value heads].</summary>
    public float[] ReadTimeBias(CheckpointTensors tensors) => Read(tensors, TimeBias, Settings.ValueHeads);

    /// <summary>What they are multiplied with, negative [value heads].</summary>
    public float[] ReadRates(CheckpointTensors tensors) => ReadRates(tensors, Rates, Settings.ValueHeads);

    /// <summary>Weights of the norm [value size]; nothing is added to them.</summary>
    public float[] ReadNorm(CheckpointTensors tensors) => Read(tensors, Norm, Settings.ValueSize);
}

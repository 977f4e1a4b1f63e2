using Parley.PackageFormat;

namespace Parley.Benchmarks;

/// <summary>Sizes of a model's mixtures of experts, and how their weights are quantised.</summary>
/// <param name="Hidden">Columns of rows.</param>
/// <param name="Intermediate">Width of an expert.</param>
/// <param name="Experts">Experts of a layer.</param>
/// <param name="TopK">Experts of a row.</param>
/// <param name="Layers">Layers.</param>
/// <param name="Bits">4 or 8.</param>
/// <param name="Group">Inputs per scale.</param>
/// <param name="Grid">scale, minima or fp4.</param>
internal sealed record ExpertsShape(int Hidden, int Intermediate, int Experts, int TopK, int Layers, int Bits, int Group, string Grid)
{
    public bool Minima => Grid == "minima";

    public LevelTable? Levels => Grid == "fp4" ? LevelTable.Fp4 : null;

    public long ExpertBytes => Matrix(2 * Intermediate, Hidden) + Matrix(Hidden, Intermediate);

    public long Bytes => ExpertBytes * Experts * Layers;

    private long Matrix(int outputs, int inputs) => QuantizedLinearLayout.CodeBytes(outputs, inputs, Bits / 4)
        + (2L * QuantizedLinearLayout.Blocks(outputs) * QuantizedLinearLayout.BlockScales(inputs, Group, Minima));
}

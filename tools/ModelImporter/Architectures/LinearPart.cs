namespace Parley.ModelImporter.Architectures;

/// <summary>One stored matrix of a linear.</summary>
/// <param name="Weight">Tensor [<paramref name="Outputs"/>, inputs].</param>
/// <param name="Bias">Tensor [<paramref name="Outputs"/>], or null.</param>
/// <param name="Outputs">Rows.</param>
internal sealed record LinearPart(string Weight, string? Bias, int Outputs)
{
    /// <summary>Rows that are stored; those behind them are zero.</summary>
    public int Stored { get; init; } = Outputs;
}

using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// A gated short convolution: the first linear gives a gate of the input, a gate of the output and the input; each channel's last inputs,
/// gated, are summed with weights.
/// </summary>
/// <param name="Channels">Width of what it computes.</param>
/// <param name="Width">Inputs that a token sees, its own included.</param>
/// <param name="HasBias">The convolution and both linears add a bias.</param>
internal sealed record ShortConvolution(int Channels, int Width, bool HasBias) : LayerRecurrence
{
    /// <summary>Inputs that the operator sees at most.</summary>
    public const int WidthMax = 16;

    public override IReadOnlyList<StateShape> States(int layer) => [new(layer, StateShape.Convolution, Width - 1, Channels)];
}

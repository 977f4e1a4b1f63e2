using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// Mamba-2: values and what is written and read (B, C) go through a short convolution; each head adds to its matrix and lets some of it go.
/// </summary>
/// <param name="Heads">Heads.</param>
/// <param name="HeadSize">Width of a head.</param>
/// <param name="StateSize">Width of B and C.</param>
/// <param name="Groups">Groups of heads that share both, and a norm.</param>
/// <param name="Width">Inputs that the convolution sees.</param>
internal sealed record MambaScan(int Heads, int HeadSize, int StateSize, int Groups, int Width) : LayerRecurrence
{
    public const int HeadSizeMax = 512;

    public const int StateSizeMax = 1024;

    /// <summary>The convolution adds a bias.</summary>
    public bool HasConvolutionBias { get; init; }

    /// <summary>The linears add a bias.</summary>
    public bool HasBias { get; init; }

    /// <summary>All heads.</summary>
    public int Inner => Heads * HeadSize;

    /// <summary>Values, B and C.</summary>
    public int Channels => Inner + (2 * Groups * StateSize);

    public override IReadOnlyList<StateShape> States(int layer) =>
        [new(layer, StateShape.Convolution, Width - 1, Channels), new(layer, StateShape.Mamba, Heads * StateSize, HeadSize)];
}

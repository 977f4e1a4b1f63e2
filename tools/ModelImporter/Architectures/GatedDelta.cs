using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// The gated delta rule: queries, keys and values go through a short convolution; each value head corrects what its matrix says of a key,
/// and lets some of it go before.
/// </summary>
/// <param name="KeyHeads">Heads of queries and keys.</param>
/// <param name="ValueHeads">Heads of values, a multiple of those.</param>
/// <param name="KeySize">Width of a query or key.</param>
/// <param name="ValueSize">Width of a value.</param>
/// <param name="Width">Inputs that the convolution sees.</param>
internal sealed record GatedDelta(int KeyHeads, int ValueHeads, int KeySize, int ValueSize, int Width) : LayerRecurrence
{
    public const int SizeMax = 256;

    /// <summary>Linears are stored together, their rows taking turns by key head, as Qwen3-Next has them.</summary>
    public bool IsStacked { get; init; }

    /// <summary>
    /// Value heads of a key head are neighbours, but llama.cpp's converter deals them out in turns, where their linears are not stacked.
    /// </summary>
    public bool IsTiled(CheckpointTensors tensors) => tensors.Gguf is not null && !IsStacked;

    /// <summary>All values.</summary>
    public int ValueWidth => ValueHeads * ValueSize;

    /// <summary>Queries, keys and values.</summary>
    public int Channels => (2 * KeyHeads * KeySize) + ValueWidth;

    public override IReadOnlyList<StateShape> States(int layer) =>
        [new(layer, StateShape.Convolution, Width - 1, Channels), new(layer, StateShape.GatedDelta, ValueHeads * KeySize, ValueSize)];
}

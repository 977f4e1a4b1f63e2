namespace Parley.PackageFormat;

/// <summary>
/// The block behind the last layer that guesses further tokens, in a graph of its own: <c>drafter.onnx</c>. Its keys and values are those
/// of the layer behind the last, in the same blocks.
/// </summary>
/// <param name="Layers">Decoder layers of the block; this format has 1.</param>
/// <param name="Vocabulary">Ids that it may guess: the first so many.</param>
public sealed record DrafterShape(int Layers, int Vocabulary)
{
    /// <summary>Name of the block's graph within a package.</summary>
    public const string FileName = "drafter.onnx";

    /// <summary>
    /// Ids that a block may guess unless told otherwise: tokens are numbered in the order in which a tokenizer's training joined them, so
    /// the first are the commonest (docs/drafts-by-head.md).
    /// </summary>
    public const int VocabularyDefault = 1 << 15;
}

namespace Parley.Tokenizer.Encoders;

/// <summary>Step 4 of encoding: one piece of text → token ids. Thread-safe.</summary>
internal abstract class PieceEncoder
{
    /// <summary>Appends the ids of a piece.</summary>
    /// <param name="piece">The piece; not empty.</param>
    /// <param name="symbols">Room to work in, the caller's alone.</param>
    /// <param name="ids">Receives the ids.</param>
    public abstract void Encode(ReadOnlySpan<char> piece, SymbolBuffer symbols, List<int> ids);
}

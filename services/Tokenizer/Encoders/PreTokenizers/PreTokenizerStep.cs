namespace Parley.Tokenizer.Encoders.PreTokenizers;

using Microsoft.ML.Tokenizers;

/// <summary>One step of the pre-tokenizer: cuts a piece into smaller ones, and may rewrite it.</summary>
internal abstract class PreTokenizerStep : PreTokenizer
{
    /// <summary>Appends what the piece becomes; empty pieces are left out.</summary>
    public abstract void Apply(in TextPiece piece, List<TextPiece> pieces);

    public sealed override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        var pieces = new List<TextPiece>();
        Apply(new TextPiece(text, 0, text.Length, AtStart: true), pieces);
        foreach (var piece in pieces)
        {
            if (!ReferenceEquals(piece.Text, text))
                throw new NotSupportedException($"{GetType().Name} rewrites the text, so its pieces are no ranges of it.");
            yield return (piece.Start, piece.Length);
        }
    }

    public sealed override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());
}

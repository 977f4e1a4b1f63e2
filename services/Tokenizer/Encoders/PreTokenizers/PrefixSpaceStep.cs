namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>Byte level's <c>add_prefix_space</c>: a space before every piece that does not start with one.</summary>
internal sealed class PrefixSpaceStep : PreTokenizerStep
{
    public override void Apply(in TextPiece piece, List<TextPiece> pieces)
    {
        if (piece.Span[0] == ' ')
        {
            pieces.Add(piece);
            return;
        }

        var text = string.Concat(" ", piece.Span);
        pieces.Add(new TextPiece(text, 0, text.Length, piece.AtStart));
    }
}

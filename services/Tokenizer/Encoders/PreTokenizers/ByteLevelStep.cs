using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// Writes each piece as the stand-ins of its bytes. Only for steps that read those stand-ins afterwards; where byte level comes last,
/// the encoder goes from characters to bytes itself.
/// </summary>
internal sealed class ByteLevelStep : PreTokenizerStep
{
    public override void Apply(in TextPiece piece, List<TextPiece> pieces)
    {
        var mapped = ByteAlphabet.Map(piece.Span);
        pieces.Add(new TextPiece(mapped, 0, mapped.Length, piece.AtStart));
    }
}

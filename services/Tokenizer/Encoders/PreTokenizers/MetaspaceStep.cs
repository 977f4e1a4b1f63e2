namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>SentencePiece's spaces: ▁ for each space, one in front by the scheme, and a cut before each if asked for.</summary>
internal sealed class MetaspaceStep(char replacement, MetaspaceStep.PrependScheme scheme, bool split) : PreTokenizerStep
{
    private readonly RegexSplitter _splitter = new(replacement.ToString(), null, SplitBehavior.MergedWithNext, invert: false);

    /// <summary>Where a replacement is put in front.</summary>
    internal enum PrependScheme
    {
        Always,
        First,
        Never,
    }

    public override void Apply(in TextPiece piece, List<TextPiece> pieces)
    {
        var text = piece.Span.ToString().Replace(' ', replacement);
        if (text[0] != replacement && (scheme == PrependScheme.Always || (scheme == PrependScheme.First && piece.AtStart)))
            text = replacement + text;
        var rewritten = new TextPiece(text, 0, text.Length, piece.AtStart);
        if (split)
            _splitter.Apply(rewritten, pieces);
        else
            pieces.Add(rewritten);
    }
}

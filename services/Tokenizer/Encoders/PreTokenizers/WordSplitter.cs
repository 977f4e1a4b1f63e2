using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>The matches of <c>\w+|[^\w\s]+</c> as Rust's regex reads it: runs of a word's characters, and of what is no space.</summary>
internal sealed class WordSplitter() : MatchSplitter(SplitBehavior.Removed, invert: true)
{
    private readonly CodePointSet _word = UnicodeClasses.RustWord;

    private enum Kind
    {
        Space,
        Word,
        Other,
    }

    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        var (start, before) = (0, Kind.Space);
        for (var position = 0; position < text.Length;)
        {
            _ = Rune.DecodeFromUtf16(text[position..], out var rune, out var length);
            var kind = Rune.IsWhiteSpace(rune) ? Kind.Space : _word.Contains(rune.Value) ? Kind.Word : Kind.Other;
            if (kind != before)
            {
                if (before != Kind.Space)
                    matches.Add((start, position - start));
                (start, before) = (position, kind);
            }

            position += length;
        }

        if (before != Kind.Space)
            matches.Add((start, text.Length - start));
    }
}

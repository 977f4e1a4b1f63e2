using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>Splits at every character of a class: digits, punctuation, white space, one delimiter.</summary>
internal sealed class RuneSplitter(Func<Rune, bool> isMatch, SplitBehavior behavior) : MatchSplitter(behavior, invert: false)
{
    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        for (var position = 0; position < text.Length;)
        {
            _ = Rune.DecodeFromUtf16(text[position..], out var rune, out var length);
            if (isMatch(rune))
                matches.Add((position, length));
            position += length;
        }
    }
}

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>Splits at a literal text or a regular expression.</summary>
internal sealed class RegexSplitter(string? literal, ShadowRegex? pattern, SplitBehavior behavior, bool invert)
    : MatchSplitter(behavior, invert)
{
    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        if (pattern is not null)
        {
            pattern.FindAll(text, matches);
            return;
        }

        if (literal!.Length == 0)
            return;
        for (var position = 0; position < text.Length;)
        {
            var next = text[position..].IndexOf(literal, StringComparison.Ordinal);
            if (next < 0)
                return;
            matches.Add((position + next, literal.Length));
            position += next + literal.Length;
        }
    }
}

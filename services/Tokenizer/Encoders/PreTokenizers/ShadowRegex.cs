using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// A regular expression over code points. .NET matches UTF-16 code units, for which a character beyond the basic plane is two
/// surrogates of no category; so such a text is matched through a shadow in which each of them is one stand-in of the same sets.
/// </summary>
internal sealed class ShadowRegex
{
    private static readonly TimeSpan MatchTime = TimeSpan.FromSeconds(10);

    private readonly string _pattern;
    private readonly TimeSpan _matchTime;
    private readonly Regex _regex;
    private readonly ShadowAlphabet _alphabet;

    /// <exception cref="ArgumentException">The expression is not valid, or uses what .NET cannot express.</exception>
    public ShadowRegex(string pattern)
        : this(pattern, MatchTime)
    {
    }

    internal ShadowRegex(string pattern, TimeSpan matchTime)
    {
        (_pattern, _matchTime) = (pattern, matchTime);
        var translated = PatternTranslator.Translate(pattern, out _alphabet);
        _regex = new Regex(translated, RegexOptions.CultureInvariant | RegexOptions.Compiled, matchTime);
    }

    /// <summary>Appends all matches as ranges of code units.</summary>
    /// <exception cref="TextLimitException">The expression backtracks without end.</exception>
    public void FindAll(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        try
        {
            Find(text, matches);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new TextLimitException(
                $"The model's pattern {Shorten(_pattern)} takes more than {_matchTime.TotalSeconds:0.###} s over a text of "
                + $"{text.Length} characters.");
        }
    }

    private static string Shorten(string pattern) => pattern.Length <= 60 ? pattern : pattern[..60] + "…";

    private void Find(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        if (!_alphabet.IsNeededFor(text))
        {
            foreach (var match in _regex.EnumerateMatches(text))
                matches.Add((match.Index, match.Length));
            return;
        }

        var shadow = ArrayPool<char>.Shared.Rent(text.Length);
        var offsets = ArrayPool<int>.Shared.Rent(text.Length + 1);
        var count = 0;
        for (var position = 0; position < text.Length;)
        {
            offsets[count] = position;
            var status = Rune.DecodeFromUtf16(text[position..], out var rune, out var length);
            shadow[count++] = status == OperationStatus.Done ? _alphabet.StandIn(rune) : '\uFFFD';
            position += length;
        }

        offsets[count] = text.Length;
        foreach (var match in _regex.EnumerateMatches(shadow.AsSpan(0, count)))
            matches.Add((offsets[match.Index], offsets[match.Index + match.Length] - offsets[match.Index]));
        ArrayPool<char>.Shared.Return(shadow);
        ArrayPool<int>.Shared.Return(offsets);
    }
}

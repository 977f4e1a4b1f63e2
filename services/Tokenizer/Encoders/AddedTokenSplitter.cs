using Parley.Tokenizer.Encoders.Normalizers;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Steps 1 and 2 of encoding: cuts the text at added tokens and normalizes what lies between them, in the reference's two passes
/// (tokens of the raw text, then tokens of the normalized text).
/// </summary>
internal sealed class AddedTokenSplitter
{
    private readonly AddedTokenMatcher _raw;
    private readonly AddedTokenMatcher _normalized;
    private readonly IReadOnlyList<AddedToken> _tokens;
    private readonly TextNormalizer? _normalizer;

    public AddedTokenSplitter(IReadOnlyList<AddedToken> tokens, TextNormalizer? normalizer)
    {
        _normalizer = normalizer;
        _raw = new AddedTokenMatcher(tokens.Where(token => !token.Normalized).Select(token => (token, token.Content)));
        _tokens = tokens;
        _normalized = new AddedTokenMatcher(tokens.Where(token => token.Normalized)
            .Select(token => (token, normalizer?.Normalize(token.Content) ?? token.Content)));
    }

    /// <summary>Cuts and normalizes a text.</summary>
    /// <param name="text">The raw text.</param>
    /// <param name="userRanges">Where special tokens are left as text.</param>
    /// <param name="segments">Receives the stretches in order.</param>
    public void Split(string text, UserRanges userRanges, List<TextSegment> segments)
    {
        var whole = new TextSegment(text, 0, text.Length, -1, AtStart: true);
        if (_normalizer is null && _normalized.IsEmpty)
        {
            _raw.Split(whole, userRanges.IsEmpty ? null : userRanges.Overlaps, segments);
            return;
        }

        var parts = new List<TextSegment>();
        _raw.Split(whole, userRanges.IsEmpty ? null : userRanges.Overlaps, parts);
        foreach (var part in parts)
        {
            if (!part.IsText)
            {
                segments.Add(part);
                continue;
            }

            var raw = part.Length == text.Length ? text : part.Span.ToString();
            var normal = _normalizer?.Normalize(raw) ?? raw;
            var segment = new TextSegment(normal, 0, normal.Length, -1, part.AtStart && _normalizer?.DropsStart(raw) != true);
            var ranges = userRanges.Within(part.Start, part.Length);
            if (_normalized.IsEmpty)
                segments.Add(segment);
            else
                _normalized.Split(segment, ranges.IsEmpty ? null : Mapped(ranges, raw, normal).Overlaps, segments);
        }
    }

    /// <summary>
    /// Finds what users may not say by spelling it out: special tokens, and others that the template writes, where no list names them.
    /// </summary>
    /// <param name="templateTexts">The texts of the template that a chat is rendered with.</param>
    /// <param name="listed">Which of the others it is; null leaves it to the template.</param>
    public AddedTokenMatcher FindControls(IReadOnlyList<string> templateTexts, IReadOnlyList<string>? listed) =>
        new(_tokens.Where(token => token.Special || (listed?.Contains(token.Content)
            ?? (!string.IsNullOrWhiteSpace(token.Content)
                && templateTexts.Any(text => text.Contains(token.Content, StringComparison.Ordinal)))))
            .Select(token => (token, token.Content)));

    /// <summary>The control tokens that a user spelt out, in order.</summary>
    public static List<(int Start, AddedToken Token)> FindSpelt(string text, UserRanges userRanges, AddedTokenMatcher controls)
    {
        var found = new List<(int Start, AddedToken Token)>();
        for (var i = 0; i < userRanges.Count; i++)
        {
            var (from, to) = (userRanges[i].Start, userRanges[i].Start + userRanges[i].Length);
            while (controls.Find(text, from, to, out var start) is { } token)
            {
                found.Add((start, token));
                from = start + token.Content.Length;
            }
        }

        return found;
    }

    /// <summary>The first special token in a text, or null.</summary>
    public AddedToken? FindSpecial(string text)
    {
        if (_raw.FindSpecial(text) is { } found)
            return found;
        return _normalized.IsEmpty ? null : _normalized.FindSpecial(_normalizer?.Normalize(text) ?? text);
    }

    // Where a user's characters lie after normalizing: a border moves to where the normalized text before it ends.
    private UserRanges Mapped(UserRanges ranges, string raw, string normal)
    {
        if (_normalizer is null || ReferenceEquals(raw, normal) || raw == normal)
            return ranges;
        var bounds = new List<int>();
        for (var i = 0; i < ranges.Count; i++)
        {
            var (start, length) = ranges[i];
            var from = start == 0 ? 0 : Math.Min(_normalizer.Normalize(raw[..start]).Length, normal.Length);
            var to = start + length == raw.Length ? normal.Length : _normalizer.Normalize(raw[..(start + length)]).Length;
            to = Math.Min(Math.Max(to, from), normal.Length);
            if (bounds.Count > 0 && from <= bounds[^1])
                bounds[^1] = Math.Max(to, bounds[^1]);
            else if (from < to)
                bounds.AddRange([from, to]);
        }

        return UserRanges.FromBounds([.. bounds]);
    }
}

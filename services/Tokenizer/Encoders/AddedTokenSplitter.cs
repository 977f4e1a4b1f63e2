using Parley.Tokenizer.Encoders.Normalizers;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Vocabulary;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Steps 1 and 2 of encoding: cuts the text at added tokens and normalizes what lies between them, in the reference's two passes
/// (tokens of the raw text, then tokens of the normalized text).
/// </summary>
internal sealed class AddedTokenSplitter
{
    private readonly AddedTokenMatcher _raw;
    private readonly AddedTokenMatcher _normalized;
    private readonly AddedTokenMatcher _special;
    private readonly TextNormalizer? _normalizer;

    public AddedTokenSplitter(IReadOnlyList<AddedToken> tokens, TextNormalizer? normalizer)
    {
        _normalizer = normalizer;
        _raw = new AddedTokenMatcher(tokens.Where(token => !token.Normalized).Select(token => (token, token.Content)));
        _special = new AddedTokenMatcher(tokens.Where(token => token.Special).Select(token => (token, token.Content)));
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

    /// <summary>The special tokens that a user spelt out, in order.</summary>
    public List<(int Start, int Length)> FindSpelt(string text, UserRanges userRanges)
    {
        var found = new List<(int Start, int Length)>();
        for (var i = 0; i < userRanges.Count; i++)
        {
            var (from, to) = (userRanges[i].Start, userRanges[i].Start + userRanges[i].Length);
            while (_special.TryFind(text, from, to, out var start, out var length))
            {
                found.Add((start, length));
                from = start + length;
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

using System.Buffers;
using System.Text;
using Parley.Tokenizer.Encoders.PreTokenizers;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Finds added tokens in a text, leftmost and then longest first. A trie behind a vectorised search for first characters: the cost
/// does not grow with the number of tokens.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly Dictionary<long, int> _children = [];
    private readonly List<AddedToken?> _terminals = [null];
    private readonly SearchValues<char> _firstChars;

    /// <param name="tokens">Each token with the text to look for, which may be its normalized content.</param>
    public AddedTokenMatcher(IEnumerable<(AddedToken Token, string Content)> tokens)
    {
        var firstChars = new HashSet<char>();
        foreach (var (token, content) in tokens)
        {
            if (content.Length == 0)
                continue;
            firstChars.Add(content[0]);
            var node = 0;
            foreach (var value in content)
            {
                var key = Key(node, value);
                if (!_children.TryGetValue(key, out var child))
                {
                    child = _terminals.Count;
                    _terminals.Add(null);
                    _children.Add(key, child);
                }

                node = child;
            }

            _terminals[node] = token;
        }

        IsEmpty = firstChars.Count == 0;
        _firstChars = SearchValues.Create([.. firstChars]);
    }

    public bool IsEmpty { get; }

    /// <summary>Cuts a stretch of text at its added tokens.</summary>
    /// <param name="segment">The text to cut.</param>
    /// <param name="isText">Says of a special token at (start, end) that it must be left as text; null for none.</param>
    /// <param name="segments">Receives the stretches in order.</param>
    public void Split(TextSegment segment, Func<int, int, bool>? isText, List<TextSegment> segments)
    {
        var text = segment.Text;
        var (consumed, end) = (segment.Start, segment.Start + segment.Length);
        for (var position = consumed; position < end;)
        {
            var next = IsEmpty ? -1 : text.AsSpan(position, end - position).IndexOfAny(_firstChars);
            if (next < 0)
                break;
            position += next;
            var token = LongestAt(text, position, end, isText, out var length);
            if (token is null)
            {
                position++;
                continue;
            }

            var (start, stop) = (position, position + length);
            position = stop;
            if (token.SingleWord && (EndsWithWord(text.AsSpan(segment.Start, start - segment.Start))
                || StartsWithWord(text.AsSpan(stop, end - stop))))
                continue;
            while (token.StripLeft && start > consumed && char.IsWhiteSpace(text[start - 1]))
                start--;
            while (token.StripRight && stop < end && char.IsWhiteSpace(text[stop]))
                stop++;
            AddText(segment, consumed, start, segments);
            segments.Add(new TextSegment(text, start, stop - start, token.Id, segment.AtStart && start == segment.Start));
            consumed = stop;
            position = Math.Max(position, stop);
        }

        AddText(segment, consumed, end, segments);
    }

    /// <summary>The first token in a stretch of text, and of those there the longest; null for none.</summary>
    public AddedToken? Find(string text, int start, int end, out int position)
    {
        for (position = start; position < end && !IsEmpty; position++)
        {
            var next = text.AsSpan(position, end - position).IndexOfAny(_firstChars);
            if (next < 0)
                return null;
            position += next;
            if (LongestAt(text, position, end, isText: null, out _) is { } token)
                return token;
        }

        return null;
    }

    /// <summary>The first special token in a text, or null.</summary>
    public AddedToken? FindSpecial(string text)
    {
        for (var position = 0; position < text.Length && !IsEmpty; position++)
        {
            var next = text.AsSpan(position).IndexOfAny(_firstChars);
            if (next < 0)
                return null;
            position += next;
            for (int node = 0, i = position; i < text.Length && _children.TryGetValue(Key(node, text[i]), out node); i++)
            {
                if (_terminals[node] is { Special: true } token)
                    return token;
            }
        }

        return null;
    }

    private static void AddText(TextSegment whole, int start, int end, List<TextSegment> segments)
    {
        if (start < end)
            segments.Add(new TextSegment(whole.Text, start, end - start, -1, whole.AtStart && start == whole.Start));
    }

    private AddedToken? LongestAt(string text, int start, int end, Func<int, int, bool>? isText, out int length)
    {
        AddedToken? longest = null;
        length = 0;
        for (int node = 0, i = start; i < end && _children.TryGetValue(Key(node, text[i]), out node); i++)
        {
            if (_terminals[node] is not { } token || (token.Special && isText is not null && isText(start, i + 1)))
                continue;
            longest = token;
            length = i + 1 - start;
        }

        return longest;
    }

    private static long Key(int node, char value) => ((long)node << 16) | value;

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool IsWord(Rune rune) => UnicodeClasses.RustWord.Contains(rune.Value);
}

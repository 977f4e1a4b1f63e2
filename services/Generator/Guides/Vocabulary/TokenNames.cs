using System.Text;

namespace Parley.Generator.Guides.Vocabulary;

/// <summary>
/// The tokens that a text cannot be written with but that a guide may name: special tokens and those that end a sequence, by their content.
/// </summary>
internal sealed class TokenNames
{
    /// <summary>Symbols below it are bytes, those from it on tokens: id + 256.</summary>
    public const int FirstToken = 256;

    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<char, string[]> _byFirst;

    /// <param name="contents">Id by content.</param>
    public TokenNames(IReadOnlyDictionary<string, int> contents)
    {
        _ids = contents.Where(token => token.Key.Length > 0).ToDictionary(StringComparer.Ordinal);
        _byFirst = _ids.Keys.GroupBy(content => content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(content => content.Length).ToArray());
    }

    /// <summary>No names at all.</summary>
    public static TokenNames None { get; } = new(new Dictionary<string, int>());

    /// <summary>The id of a token by its content.</summary>
    public bool TryGet(string content, out int id) => _ids.TryGetValue(content, out id);

    /// <summary>
    /// A text as a tokenizer cuts it: bytes, and tokens where their content stands, the first and then the longest one first.
    /// </summary>
    public int[] Symbols(string text)
    {
        var symbols = new List<int>();
        var from = 0;
        for (var at = 0; at < text.Length;)
        {
            var found = _byFirst.GetValueOrDefault(text[at], []).FirstOrDefault(content => text.AsSpan(at).StartsWith(content));
            if (found is null)
            {
                at++;
                continue;
            }

            AddBytes(text.AsSpan(from, at - from), symbols);
            symbols.Add(FirstToken + _ids[found]);
            at += found.Length;
            from = at;
        }

        AddBytes(text.AsSpan(from), symbols);
        return [.. symbols];
    }

    private static void AddBytes(ReadOnlySpan<char> text, List<int> symbols)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        symbols.AddRange(bytes.Select(one => (int)one));
    }
}

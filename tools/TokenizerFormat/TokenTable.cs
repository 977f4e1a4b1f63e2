namespace Parley.TokenizerFormat;

/// <summary>Id → token, its bytes and whether it is special. Made once, never changed, read without locks.</summary>
internal sealed class TokenTable
{
    /// <summary>The largest id that is accepted; a wild id in a file must not become gigabytes of table.</summary>
    public const int IdMax = (1 << 24) - 1;

    private readonly string?[] _tokens;
    private readonly byte[] _bytes;
    private readonly int[] _offsets;
    private readonly bool[] _special;
    private readonly bool[] _isByte;
    private readonly Dictionary<string, int> _vocabulary;
    private readonly Dictionary<string, AddedToken> _added;

    /// <param name="file">The vocabulary.</param>
    /// <param name="normalize">The model's normalizer: an added token that is searched in normalized text also decodes to that.</param>
    public TokenTable(TokenizerFile file, Func<string, string>? normalize)
    {
        Plan = DecodePlan.Read(file.Decoder);
        _vocabulary = file.Vocabulary;
        AddedTokens = file.AddedTokens;
        _added = file.AddedTokens.DistinctBy(token => token.Content).ToDictionary(token => token.Content, StringComparer.Ordinal);
        Count = 1 + Math.Max(file.Vocabulary.Count == 0 ? -1 : file.Vocabulary.Values.Max(),
            file.AddedTokens.Count == 0 ? -1 : file.AddedTokens.Max(token => token.Id));
        _tokens = new string?[Count];
        _special = new bool[Count];
        _isByte = new bool[Count];
        _offsets = new int[Count + 1];
        var rewritten = new Dictionary<int, string>();
        foreach (var (token, id) in file.Vocabulary)
            _tokens[id] = token;
        foreach (var token in file.AddedTokens)
        {
            _tokens[token.Id] = token.Content;
            _special[token.Id] = token.Special;
            if (token.Normalized && normalize is not null)
                rewritten[token.Id] = normalize(token.Content);
        }

        var bytes = new List<byte>(Count * 8);
        for (var id = 0; id < Count; id++)
        {
            if (_tokens[id] is { } token)
            {
                Plan.Write(rewritten.GetValueOrDefault(id, token), isFirst: false, bytes);
                _isByte[id] = Plan.IsByte(token, out _);
            }

            _offsets[id + 1] = bytes.Count;
        }

        _bytes = [.. bytes];
    }

    /// <summary>
    /// Ids with a token are below this number. A model may have more, as its output is often padded: such an id has no token, no bytes
    /// and no text, as a gap within the vocabulary has none.
    /// </summary>
    public int Count { get; }

    public DecodePlan Plan { get; }

    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>The entry of the vocabulary, or null for an id without one.</summary>
    public string? Token(int id) => Has(id) ? _tokens[id] : null;

    /// <summary>The UTF-8 bytes that the id stands for; several ids may make one character.</summary>
    public ReadOnlySpan<byte> Bytes(int id) => Has(id) ? _bytes.AsSpan(_offsets[id], _offsets[id + 1] - _offsets[id]) : default;

    /// <summary>Whether the id is left out where special tokens are skipped.</summary>
    public bool IsSpecial(int id) => Has(id) && _special[id];

    /// <summary>Whether the id is one byte of the byte fallback.</summary>
    public bool IsByte(int id) => Has(id) && _isByte[id];

    /// <summary>The id of a token by its text, added tokens first.</summary>
    public bool TryGetId(string token, out int id)
    {
        if (_added.TryGetValue(token, out var added))
        {
            id = added.Id;
            return true;
        }

        return _vocabulary.TryGetValue(token, out id);
    }

    private bool Has(int id) => (uint)id < (uint)Count;
}

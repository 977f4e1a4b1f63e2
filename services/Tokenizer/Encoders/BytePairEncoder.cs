using System.Buffers;
using System.Text;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>Step 4 of encoding: one piece of text → token ids, over the bytes of the text or over its characters.</summary>
internal sealed class BytePairEncoder : PieceEncoder
{
    private const int CacheEntries = 1 << 14;
    private const int BytesOnStack = 512;
    private const char WordStart = '▁';

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary;
    private readonly MergeTable _merges;
    private readonly ModelOptions _options;
    private readonly bool _readsBytes;
    private readonly int[] _byteIds = new int[256];
    private readonly int[] _characterIds;
    private readonly bool _hasAffixes;
    private readonly int _unknownId = -1;
    private readonly int _tokenCharactersMax;
    private readonly bool _fallsBack;
    private readonly bool _cutsAtSpaces;
    private readonly PieceCache _cache = new(CacheEntries);

    /// <param name="file">Vocabulary, merges and options.</param>
    /// <param name="readsBytes">Pieces are text whose UTF-8 bytes are the symbols; otherwise their characters are.</param>
    public BytePairEncoder(TokenizerFile file, bool readsBytes)
    {
        _vocabulary = file.Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _merges = file.Merges;
        _options = file.Model;
        _readsBytes = readsBytes;
        if (_options.UnknownToken is { } unknown && !file.Vocabulary.TryGetValue(unknown, out _unknownId))
            throw new InvalidDataException($"{TokenizerFile.FileName}: model.unk_token \"{unknown}\" is not in the vocabulary.");
        _characterIds = readsBytes ? [] : CreateCharacterIds(file.Vocabulary);
        _tokenCharactersMax = file.Vocabulary.Count == 0 ? 0 : file.Vocabulary.Keys.Max(token => token.Length);
        _fallsBack = _options.ByteFallback;
        _hasAffixes = _options.HasAffixes;
        _cutsAtSpaces = !readsBytes && !_options.IgnoreMerges && !_hasAffixes && !MergesReachOver(file);
        for (var value = 0; value < 256; value++)
        {
            var token = readsBytes ? ByteAlphabet.ToChar((byte)value).ToString() : $"<0x{value:X2}>";
            if (!readsBytes && !_options.ByteFallback)
                continue;
            _byteIds[value] = file.Vocabulary.TryGetValue(token, out var id) ? id : -1;
        }
    }

    public override void Encode(ReadOnlySpan<char> piece, SymbolBuffer symbols, List<int> ids)
    {
        if (!_cutsAtSpaces)
        {
            EncodeUncut(piece, symbols, ids);
            return;
        }

        // A SentencePiece text is one piece; as no merge reaches over the start of a word, its words are encoded alone and cached.
        while (!piece.IsEmpty)
        {
            var spaces = piece.IndexOfAnyExcept(WordStart);
            var next = spaces < 0 ? -1 : piece[spaces..].IndexOf(WordStart);
            var length = next < 0 ? piece.Length : spaces + next;
            EncodeUncut(piece[..length], symbols, ids);
            piece = piece[length..];
        }
    }

    // Whether any merge has a word's end on its left and the start of the next word on its right.
    private static bool MergesReachOver(TokenizerFile file)
    {
        var (endsWord, startsWord) = (new HashSet<int>(), new HashSet<int>());
        foreach (var (token, id) in file.Vocabulary)
        {
            if (token.Length == 0)
                continue;
            if (token[^1] != WordStart)
                endsWord.Add(id);
            if (token[0] == WordStart)
                startsWord.Add(id);
        }

        return file.Merges.Any((left, right) => startsWord.Contains(right) && endsWord.Contains(left));
    }

    private void EncodeUncut(ReadOnlySpan<char> piece, SymbolBuffer symbols, List<int> ids)
    {
        if (_cache.TryGet(piece, out var known, out var slot))
        {
            ids.AddRange(known);
            return;
        }

        symbols.Clear();
        if (_options.IgnoreMerges && TryWhole(piece, out var whole))
        {
            symbols.Add(whole);
        }
        else
        {
            if (_hasAffixes)
                AddAffixed(_readsBytes ? ByteAlphabet.Map(piece) : piece, symbols);
            else if (_readsBytes)
                AddBytes(piece, symbols);
            else
                AddCharacters(piece, symbols);
            BytePairMerger.Merge(symbols, _merges);
        }

        _cache.Set(slot, piece, symbols.Ids);
        ids.AddRange(symbols.Ids);
    }

    private bool TryWhole(ReadOnlySpan<char> piece, out int id)
    {
        id = -1;
        if (piece.Length > _tokenCharactersMax)
            return false;
        if (!_readsBytes)
            return _vocabulary.TryGetValue(piece, out id);
        if (piece.Length > BytesOnStack / 3)
        {
            // No vocabulary has tokens near this length often enough for speed to matter.
            return _vocabulary.TryGetValue(ByteAlphabet.Map(piece), out id);
        }

        Span<byte> bytes = stackalloc byte[BytesOnStack];
        Span<char> mapped = stackalloc char[BytesOnStack];
        var count = Encoding.UTF8.GetBytes(piece, bytes);
        for (var i = 0; i < count; i++)
            mapped[i] = ByteAlphabet.ToChar(bytes[i]);
        return _vocabulary.TryGetValue(mapped[..count], out id);
    }

    private void AddBytes(ReadOnlySpan<char> piece, SymbolBuffer symbols)
    {
        var bound = piece.Length * 3;
        var rented = bound > BytesOnStack ? ArrayPool<byte>.Shared.Rent(bound) : null;
        var bytes = rented ?? stackalloc byte[BytesOnStack];
        var count = Encoding.UTF8.GetBytes(piece, bytes);
        var unknownBefore = false;
        foreach (var value in bytes[..count])
        {
            if (_byteIds[value] >= 0)
                symbols.Add(_byteIds[value]);
            else if (_unknownId >= 0 && !(unknownBefore && _options.FuseUnknown))
                symbols.Add(_unknownId);
            unknownBefore = _byteIds[value] < 0;
        }

        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
    }

    private void AddCharacters(ReadOnlySpan<char> piece, SymbolBuffer symbols)
    {
        var unknownBefore = false;
        Span<byte> bytes = stackalloc byte[4];
        for (var position = 0; position < piece.Length;)
        {
            _ = Rune.DecodeFromUtf16(piece[position..], out var rune, out var length);
            var id = length == 1 ? _characterIds[piece[position]] : AstralId(piece.Slice(position, length));
            position += length;
            var isUnknown = id < 0 && !TryFallBack(bytes[..rune.EncodeToUtf8(bytes)], symbols);
            if (id >= 0)
                symbols.Add(id);
            else if (isUnknown && _unknownId >= 0 && !(unknownBefore && _options.FuseUnknown))
                symbols.Add(_unknownId);
            unknownBefore = isUnknown;
        }
    }

    // Characters with a prefix inside the piece and a suffix at its end are other tokens than bare ones.
    private void AddAffixed(ReadOnlySpan<char> piece, SymbolBuffer symbols)
    {
        Span<char> symbol = stackalloc char[2 + (2 * ModelOptions.AffixCharactersMax)];
        Span<byte> bytes = stackalloc byte[3 * symbol.Length];
        var unknownBefore = false;
        for (var position = 0; position < piece.Length;)
        {
            _ = Rune.DecodeFromUtf16(piece[position..], out var rune, out var units);
            var length = 0;
            if (position > 0)
                Append(_options.ContinuingSubwordPrefix, symbol, ref length);
            length += rune.EncodeToUtf16(symbol[length..]);
            position += units;
            if (position == piece.Length)
                Append(_options.EndOfWordSuffix, symbol, ref length);
            var isKnown = _vocabulary.TryGetValue(symbol[..length], out var id);
            var isUnknown = !isKnown && !TryFallBack(bytes[..Encoding.UTF8.GetBytes(symbol[..length], bytes)], symbols);
            if (isKnown)
                symbols.Add(id);
            else if (isUnknown && _unknownId >= 0 && !(unknownBefore && _options.FuseUnknown))
                symbols.Add(_unknownId);
            unknownBefore = isUnknown;
        }

        static void Append(string affix, Span<char> symbol, ref int length)
        {
            affix.CopyTo(symbol[length..]);
            length += affix.Length;
        }
    }

    private bool TryFallBack(ReadOnlySpan<byte> bytes, SymbolBuffer symbols)
    {
        if (!_fallsBack)
            return false;
        foreach (var value in bytes)
        {
            // One missing byte token makes the whole character unknown.
            if (_byteIds[value] < 0)
                return false;
        }

        foreach (var value in bytes)
            symbols.Add(_byteIds[value]);
        return true;
    }

    private int AstralId(ReadOnlySpan<char> pair) => _vocabulary.TryGetValue(pair, out var id) ? id : -1;

    private static int[] CreateCharacterIds(Dictionary<string, int> vocabulary)
    {
        var ids = new int[char.MaxValue + 1];
        Array.Fill(ids, -1);
        foreach (var (token, id) in vocabulary)
        {
            if (token.Length == 1)
                ids[token[0]] = id;
        }

        return ids;
    }
}

using System.Buffers;
using System.Text;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// The Unigram model: of all ways to write a piece as tokens the one with the highest sum of scores. One pass over the positions of
/// the piece; among equal sums the way that was found first, i.e. the one whose last token begins leftmost.
/// </summary>
internal sealed class UnigramEncoder : PieceEncoder
{
    private const int CacheEntries = 1 << 14;

    // What the reference takes off the lowest score for a character that no token covers.
    private const double UnknownPenalty = 10.0;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary;
    private readonly TokenTrie _trie = new();
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknownId;
    private readonly int[]? _byteIds;
    private readonly PieceCache _cache = new(CacheEntries);

    public UnigramEncoder(TokenizerFile file, UnigramScores scores)
    {
        _vocabulary = file.Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        (_scores, _unknownId) = (scores.Values, scores.UnknownId);
        _unknownScore = _scores.Min() - UnknownPenalty;
        foreach (var (token, id) in file.Vocabulary)
            _trie.Add(token, id);
        if (!file.Model.ByteFallback)
            return;
        _byteIds = new int[256];
        for (var value = 0; value < 256; value++)
            _byteIds[value] = file.Vocabulary.TryGetValue($"<0x{value:X2}>", out var id) ? id : -1;
    }

    /// <exception cref="UncoveredTextException">A character has no token, and the model names none for such characters.</exception>
    public override void Encode(ReadOnlySpan<char> piece, SymbolBuffer symbols, List<int> ids)
    {
        if (_cache.TryGet(piece, out var known, out var slot))
        {
            ids.AddRange(known);
            return;
        }

        symbols.Clear();
        var paths = ArrayPool<Path>.Shared.Rent(piece.Length + 1);
        try
        {
            FindBest(piece, paths.AsSpan(0, piece.Length + 1));
            AddReversed(piece, paths, symbols);
        }
        finally
        {
            ArrayPool<Path>.Shared.Return(paths);
        }

        symbols.Ids.Reverse();
        _cache.Set(slot, piece, symbols.Ids);
        ids.AddRange(symbols.Ids);
    }

    private void FindBest(ReadOnlySpan<char> piece, Span<Path> paths)
    {
        paths.Fill(new Path { Start = -1 });
        for (var start = 0; start < piece.Length;)
        {
            _ = Rune.DecodeFromUtf16(piece[start..], out var rune, out var length);
            var score = paths[start].Score;
            var isCovered = false;
            var node = TokenTrie.Root;
            for (var end = start; end < piece.Length && _trie.TryNext(ref node, piece[end], out var id);)
            {
                end++;
                if (id < 0)
                    continue;
                Offer(ref paths[end], start, id, score + _scores[id]);
                isCovered |= end - start == length;
            }

            // Also where a longer token would do: the reference looks at the character alone.
            if (!isCovered && _unknownId < 0)
                throw new UncoveredTextException(rune);
            if (!isCovered)
                Offer(ref paths[start + length], start, _unknownId, score + _unknownScore);
            start += length;
        }
    }

    private static void Offer(ref Path path, int start, int id, double score)
    {
        if (path.Start < 0 || score > path.Score)
            path = new Path { Start = start, Id = id, Score = score };
    }

    private void AddReversed(ReadOnlySpan<char> piece, ReadOnlySpan<Path> paths, SymbolBuffer symbols)
    {
        for (var end = piece.Length; end > 0;)
        {
            ref readonly var path = ref paths[end];
            var start = path.Start;
            if (path.Id != _unknownId)
            {
                symbols.Add(path.Id);
                end = start;
                continue;
            }

            // Neighbouring unknown characters are one token.
            while (start > 0 && paths[start].Id == _unknownId)
                start = paths[start].Start;
            AddUnknown(piece[start..end], symbols);
            end = start;
        }
    }

    private void AddUnknown(ReadOnlySpan<char> text, SymbolBuffer symbols)
    {
        if (_vocabulary.TryGetValue(text, out var id))
        {
            symbols.Add(id);
            return;
        }

        var bytes = _byteIds is null ? [] : Encoding.UTF8.GetBytes(text.ToString());
        // One missing byte token makes the whole stretch unknown.
        if (_byteIds is null || Array.Exists(bytes, value => _byteIds[value] < 0))
        {
            symbols.Add(_unknownId);
            return;
        }

        for (var i = bytes.Length - 1; i >= 0; i--)
            symbols.Add(_byteIds[bytes[i]]);
    }

    // The best way to the end of this position: its last token.
    private struct Path
    {
        public double Score;
        public int Start;
        public int Id;
    }
}

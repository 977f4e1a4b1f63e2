using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Merges a long piece: of all pairs that of lowest rank first, among equal ones the leftmost. Where nothing that a rank makes can be
/// merged at a lower one, all its pairs are merged in one pass, and the pairs that this makes are looked up once after it; where that
/// can happen (<see cref="MergeTable.IsUndercut"/>), pair by pair.
/// </summary>
/// <remarks>
/// All pairs of a rank are the same two tokens. Where these differ, two such pairs share no symbol and their order does not matter;
/// where they are one token, a run of it is paired from its left end. Cost: see <see cref="RankQueue"/>.
/// </remarks>
internal ref struct RankMerger
{
    // The rank of a pair that begins at a symbol merged in this pass.
    private const int Pending = -1;

    private readonly SymbolBuffer _symbols;
    private readonly MergeTable _merges;
    private readonly RankQueue _queue;
    private readonly int[] _previous;
    private readonly int[] _next;
    private readonly int[] _ranks;
    private readonly int[] _merged;
    private readonly Span<int> _ids;
    private int _mergedCount;
    private int _knownLeft = -1;
    private int _knownRight = -1;
    private int _knownRank;

    private RankMerger(SymbolBuffer symbols, MergeTable merges)
    {
        symbols.PrepareLinks();
        (_symbols, _merges, _queue) = (symbols, merges, symbols.Queue);
        (_previous, _next, _ranks, _merged) = (symbols.Previous, symbols.Next, symbols.Ranks, symbols.Merged);
        _ids = symbols.Ids;
    }

    /// <summary>Merges in place; the buffer then holds the tokens of the piece.</summary>
    public static void Merge(SymbolBuffer symbols, MergeTable merges)
    {
        var merger = new RankMerger(symbols, merges);
        merger.QueueAll();
        while (merger._queue.TryPeek(out var rank))
        {
            if (merges.IsUndercut(rank))
                merger.MergeLeftmost(rank);
            else
                merger.MergeAll(rank);
        }

        merger.Compact();
    }

    private void QueueAll()
    {
        _queue.Clear();
        for (var i = 0; i < _ids.Length; i++)
        {
            _previous[i] = i - 1;
            _next[i] = i + 1 < _ids.Length ? i + 1 : -1;
            Renew(i);
        }
    }

    private void MergeLeftmost(int rank)
    {
        // An entry whose pair has changed since is stale.
        if (!_queue.TryTake(rank, out var at) || _ranks[at] != rank)
            return;
        _merges.Find(_ids[at], _ids[_next[at]], out var merged);
        _mergedCount = 0;
        MergePair(at, merged);
        RenewPairs();
    }

    private void MergeAll(int rank)
    {
        _mergedCount = 0;
        var merged = -1;
        var isRun = false;
        while (_queue.TryTake(rank, out var at))
        {
            if (_ranks[at] != rank)
                continue;
            if (merged < 0)
            {
                var (left, right) = (_ids[at], _ids[_next[at]]);
                _merges.Find(left, right, out merged);
                isRun = left == right;
            }

            while (isRun && _previous[at] >= 0 && _ranks[_previous[at]] == rank)
                at = _previous[at];
            do
                at = MergePair(at, merged);
            while (isRun && at >= 0 && _ranks[at] == rank);
        }

        RenewPairs();
    }

    // Returns the symbol after the pair.
    private int MergePair(int at, int merged)
    {
        var right = _next[at];
        var after = _next[right];
        _ids[at] = merged;
        _ranks[at] = Pending;
        _ranks[right] = MergeTable.NoRank;
        _next[at] = after;
        if (after >= 0)
            _previous[after] = at;
        _merged[_mergedCount++] = at;
        return after;
    }

    private void RenewPairs()
    {
        for (var i = 0; i < _mergedCount; i++)
        {
            // The pair before, unless it begins with a symbol of this pass and has its own turn.
            var before = _previous[_merged[i]];
            if (before >= 0 && _ranks[before] != Pending && !IsRenewed(before, i))
                Renew(before);
            Renew(_merged[i]);
        }
    }

    // Merged symbols come from left to right but for strays, so that the one before was mostly the one renewed last.
    private readonly bool IsRenewed(int at, int count) => count > 0 && _merged[count - 1] == at;

    private void Renew(int at)
    {
        var after = _next[at];
        var rank = MergeTable.NoRank;
        if (after >= 0)
        {
            var (left, right) = (_ids[at], _ids[after]);
            if (left != _knownLeft || right != _knownRight)
            {
                _knownRank = _merges.Find(left, right, out _);
                (_knownLeft, _knownRight) = (left, right);
            }

            rank = _knownRank;
        }

        _ranks[at] = rank;
        if (rank != MergeTable.NoRank)
            _queue.Add(rank, at);
    }

    private readonly void Compact()
    {
        var kept = 0;
        for (var at = 0; at >= 0; at = _next[at])
            _ids[kept++] = _ids[at];
        _symbols.Truncate(kept);
    }
}

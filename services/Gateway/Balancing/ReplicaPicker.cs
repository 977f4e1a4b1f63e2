namespace Parley.Gateway.Balancing;

/// <summary>
/// Chooses the replica of a request: the one that has most of its prompt computed already, unless it is so much busier that computing the
/// prompt elsewhere is sooner; else the less busy of two at random, which spreads load nearly as well as knowing all, and does not send
/// every Gateway to the same replica.
/// </summary>
/// <param name="memory">What replicas have computed.</param>
/// <param name="overloadFactor">
/// How much more work than another the replica with the prefix may have, in lengths of the prefix.
/// </param>
/// <param name="draw">A number from 0 to below its argument.</param>
internal sealed class ReplicaPicker<TReplica>(PrefixMemory<TReplica> memory, double overloadFactor, Func<int, int> draw)
    where TReplica : Replica
{
    /// <summary>The replica for a prompt; null where there is none.</summary>
    /// <param name="replicas">All that there are.</param>
    /// <param name="blocks">Names of the prompt's blocks.</param>
    /// <param name="blockTokens">Tokens of a block.</param>
    /// <param name="mayServe">Whether a replica comes into question at all.</param>
    public TReplica? Pick(IReadOnlyList<TReplica> replicas, ReadOnlySpan<ulong> blocks, int blockTokens, Func<TReplica, bool> mayServe)
    {
        var candidates = replicas.Where(replica => replica.IsOpen && mayServe(replica)).ToList();
        // Where every breaker is open, trying is better than refusing; a replica that said itself that it takes nothing is left alone.
        if (candidates.Count == 0)
            candidates = [.. replicas.Where(replica => !replica.IsLeaving && replica.Told is not { IsClosed: true } && mayServe(replica))];
        if (candidates.Count < 2)
            return candidates.FirstOrDefault();
        var best = BetterOfTwo(candidates);
        var (known, matched) = memory.Find(blocks, candidates.Contains);
        return known is not null && known.Work <= best.Work + (long)(overloadFactor * matched * blockTokens) ? known : best;
    }

    private TReplica BetterOfTwo(List<TReplica> candidates)
    {
        var first = draw(candidates.Count);
        var second = draw(candidates.Count - 1);
        if (second >= first)
            second++;
        var (one, other) = (candidates[first], candidates[second]);
        return other.Work < one.Work ? other : one;
    }
}

namespace Parley.Generator.Execution.Kernels;

/// <summary>What one thread does at a stretch: some tokens of one sequence, for the query heads that share one key/value head.</summary>
internal struct AttentionUnit
{
    public int Sequence;

    public int Head;

    /// <summary>First token, counted within the sequence's new ones.</summary>
    public int FirstToken;

    public int TokenCount;

    /// <summary>First position of the keys; at the edge of a segment.</summary>
    public int FirstKey;

    /// <summary>Position behind the last key; at the edge of a segment or behind the last token.</summary>
    public int EndKey;

    /// <summary>The <see cref="AttentionSplit"/> that this is a part of, or −1: the unit writes its own result.</summary>
    public int Split;

    /// <summary>The unit first writes keys and values of the tokens that stand at its positions; no other unit needs them.</summary>
    public bool Writes;
}

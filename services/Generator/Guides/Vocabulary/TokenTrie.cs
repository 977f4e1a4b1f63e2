namespace Parley.Generator.Guides.Vocabulary;

/// <summary>
/// Texts as a tree of bytes, in the order of a depth-first walk: the nodes below a node follow it directly, so that a walk is one pass
/// over arrays,
/// and leaving out a subtree is one jump.
/// </summary>
internal sealed class TokenTrie
{
    private readonly List<byte> _bytes = [];
    private readonly List<byte> _depths = [];
    private readonly List<int> _ends = [];
    private readonly List<int> _firstEntry = [];

    /// <summary>Builds the tree.</summary>
    /// <param name="texts">Texts of 1 to 255 bytes with a number each; several may have the same text.</param>
    /// <param name="areSorted">They come in the order of their bytes.</param>
    public TokenTrie(IEnumerable<(byte[] Text, int Number)> texts, bool areSorted = false)
    {
        var sorted = texts.ToArray();
        if (!areSorted)
        {
            Array.Sort(sorted, (left, right) => left.Text.AsSpan().SequenceCompareTo(right.Text) is var order && order != 0
                ? order
                : left.Number.CompareTo(right.Number));
        }

        Entries = [.. sorted.Select(entry => entry.Number)];
        var open = new Stack<int>();
        var before = Array.Empty<byte>();
        for (var entry = 0; entry < sorted.Length; entry++)
        {
            var text = sorted[entry].Text;
            var common = before.AsSpan().CommonPrefixLength(text);
            while (open.Count > common)
                _ends[open.Pop()] = _bytes.Count;
            for (var depth = open.Count; depth < text.Length; depth++)
            {
                open.Push(_bytes.Count);
                _bytes.Add(text[depth]);
                _depths.Add((byte)(depth + 1));
                _ends.Add(0);
                _firstEntry.Add(entry);
            }

            before = text;
        }

        while (open.TryPop(out var node))
            _ends[node] = _bytes.Count;
        _firstEntry.Add(Entries.Length);
        Bytes = [.. _bytes];
        Depths = [.. _depths];
        Ends = [.. _ends];
        FirstEntries = [.. _firstEntry];
        DepthMax = Depths.Length == 0 ? 0 : Depths.Max();
    }

    /// <summary>Numbers of the texts in the order of the tree.</summary>
    public int[] Entries { get; }

    /// <summary>A node's byte.</summary>
    public byte[] Bytes { get; }

    /// <summary>A node's depth; 1 for a first byte.</summary>
    public byte[] Depths { get; }

    /// <summary>The node behind a node's subtree.</summary>
    public int[] Ends { get; }

    /// <summary>
    /// Where a node's subtree begins in <see cref="Entries"/>: first its own texts, then those below. One more than there are nodes.
    /// </summary>
    public int[] FirstEntries { get; }

    public int DepthMax { get; }

    public int Count => Bytes.Length;

    /// <summary>Adds a run of <see cref="Entries"/> to a mask of their numbers.</summary>
    public void Set(int entry, int end, Span<uint> mask)
    {
        foreach (var number in Entries.AsSpan(entry..end))
            mask[number >> 5] |= 1u << number;
    }

    /// <summary>Takes a run of <see cref="Entries"/> out of a mask of their numbers.</summary>
    public void Clear(int entry, int end, Span<uint> mask)
    {
        foreach (var number in Entries.AsSpan(entry..end))
            mask[number >> 5] &= ~(1u << number);
    }

    /// <summary>Takes a node's whole subtree out of a mask.</summary>
    public void ClearBelow(int node, Span<uint> mask) => Clear(FirstEntries[node], FirstEntries[Ends[node]], mask);
}

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Which decode steps are captured as CUDA graphs. A step is filled up to the next bucket with rows that read and write a block that nobody
/// owns, so a handful of graphs serves every number of sequences; buckets of the table's width keep short contexts cheap.
/// </summary>
internal sealed class GraphBuckets
{
    /// <summary>The id that keeps a run out of any graph.</summary>
    public const int Eager = -1;

    private static readonly int[] Sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

    private readonly int[] _sequences;
    private readonly int[] _widths;

    /// <param name="sequencesMax">Largest decode step to capture; 0 captures none.</param>
    /// <param name="widthMax">Blocks of the longest sequence.</param>
    public GraphBuckets(int sequencesMax, int widthMax)
    {
        _sequences = [.. Sizes.Where(size => size < sequencesMax), .. sequencesMax > 0 ? new[] { sequencesMax } : []];
        var widths = new List<int>();
        for (var width = 1; width < widthMax; width *= 2)
            widths.Add(width);
        _widths = [.. widths, widthMax];
    }

    /// <summary>All buckets that steps can come to.</summary>
    public int Count => _sequences.Length * _widths.Length;

    /// <summary>The smallest bucket that holds a step; null where it runs on its own.</summary>
    /// <param name="tokens">New tokens.</param>
    /// <param name="sequences">Sequences.</param>
    /// <param name="logitRows">Rows of logits.</param>
    /// <param name="tableWidth">Columns of its block table.</param>
    public GraphBucket? Find(int tokens, int sequences, int logitRows, int tableWidth)
    {
        // Sequences of a step have one token at least, so equal numbers mean one token each.
        if (tokens != sequences || logitRows != sequences || sequences == 0)
            return null;
        var row = Array.FindIndex(_sequences, size => size >= sequences);
        var column = Array.FindIndex(_widths, width => width >= tableWidth);
        return row < 0 || column < 0
            ? null
            : new GraphBucket((row * _widths.Length) + column + 1, _sequences[row], _widths[column]);
    }
}

using System.Numerics;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Sampling;

/// <summary>
/// The largest score of each block of a row: one pass over the vocabulary, after which the best, its place and the n best are found by
/// looking into few blocks. Whoever is below the n-th largest block cannot be among the n best.
/// </summary>
/// <param name="vocabularySize">Scores of a row.</param>
internal sealed class ScoreBlocks(int vocabularySize)
{
    private const int BlockSize = 256;

    private readonly float[] _maxima = new float[(vocabularySize + BlockSize - 1) / BlockSize];

    /// <summary>The row's largest score; NaN when any score is.</summary>
    public float Best { get; private set; }

    /// <summary>Reads a row; what follows is about the same row, unchanged.</summary>
    public void Read(ReadOnlySpan<float> scores)
    {
        var best = float.NegativeInfinity;
        for (var block = 0; block < _maxima.Length; block++)
        {
            var max = MaxOf(Block(scores, block));
            _maxima[block] = max;
            best = Math.Max(best, max);
        }

        Best = best;
    }

    /// <summary>The lowest index of the best.</summary>
    public int IndexOfBest(ReadOnlySpan<float> scores)
    {
        var block = TopSelector.IndexOfAtLeast(_maxima, 0, Best);
        return (block * BlockSize) + TopSelector.IndexOfAtLeast(Block(scores, block), 0, Best);
    }

    /// <summary>The n-th best score, as <see cref="TopSelector.NthBest"/> finds it.</summary>
    /// <param name="scores">The row.</param>
    /// <param name="heap">Scratch [n].</param>
    public float NthBest(ReadOnlySpan<float> scores, Span<float> heap)
    {
        if (heap.Length > _maxima.Length)
            return TopSelector.NthBest(scores, heap);
        var least = TopSelector.NthBest(_maxima, heap);
        heap.Fill(float.NegativeInfinity);
        for (var block = NextBlock(0, least); block < _maxima.Length; block = NextBlock(block + 1, least))
            TopSelector.Improve(heap, Block(scores, block), least);
        return heap[0];
    }

    /// <summary>The first block from one on that holds a score of at least this, else the number of blocks.</summary>
    public int NextBlock(int block, float least) => TopSelector.IndexOfAtLeast(_maxima, block, least);

    public int BlockCount => _maxima.Length;

    /// <summary>Index of a block's first score.</summary>
    public static int StartOf(int block) => block * BlockSize;

    public static ReadOnlySpan<float> Block(ReadOnlySpan<float> scores, int block) =>
        scores.Slice(block * BlockSize, Math.Min(BlockSize, scores.Length - (block * BlockSize)));

    /// <summary>
    /// The largest, NaN when any is: twice as fast as the general maximum, which must also tell the zeros apart.
    /// </summary>
    private static float MaxOf(ReadOnlySpan<float> scores)
    {
        if (Vector512.IsHardwareAccelerated && scores.Length == BlockSize)
            return MaxOfBlock(scores);
        var max = float.NegativeInfinity;
        var i = 0;
        if (scores.Length >= 4 * Vector<float>.Count)
        {
            var (one, two) = (new Vector<float>(scores), new Vector<float>(scores[Vector<float>.Count..]));
            var numbers = Vector.Equals(one, one) & Vector.Equals(two, two);
            for (i = 2 * Vector<float>.Count; i <= scores.Length - (2 * Vector<float>.Count); i += 2 * Vector<float>.Count)
            {
                var (three, four) = (new Vector<float>(scores[i..]), new Vector<float>(scores[(i + Vector<float>.Count)..]));
                numbers &= Vector.Equals(three, three) & Vector.Equals(four, four);
                one = Vector.ConditionalSelect(Vector.GreaterThan(three, one), three, one);
                two = Vector.ConditionalSelect(Vector.GreaterThan(four, two), four, two);
            }

            if (!Vector.EqualsAll(numbers, Vector<int>.AllBitsSet))
                return float.NaN;
            one = Vector.ConditionalSelect(Vector.GreaterThan(two, one), two, one);
            for (var lane = 0; lane < Vector<float>.Count; lane++)
                max = Math.Max(max, one[lane]);
        }

        for (; i < scores.Length; i++)
            max = Math.Max(max, scores[i]);
        return max;
    }

    /// <summary>A whole block in 16 vectors: the maximum instruction alone, NaN is looked for apart and the zeros are equal.</summary>
    private static float MaxOfBlock(ReadOnlySpan<float> scores)
    {
        var (one, two) = (Vector512.Create(scores), Vector512.Create(scores[16..]));
        var numbers = Vector512.Equals(one, one) & Vector512.Equals(two, two);
        for (var i = 32; i < BlockSize; i += 32)
        {
            var (three, four) = (Vector512.Create(scores[i..]), Vector512.Create(scores[(i + 16)..]));
            numbers &= Vector512.Equals(three, three) & Vector512.Equals(four, four);
            (one, two) = (Vector512.MaxNative(one, three), Vector512.MaxNative(two, four));
        }

        if (!Vector512.EqualsAll(numbers.AsInt32(), Vector512<int>.AllBitsSet))
            return float.NaN;
        one = Vector512.MaxNative(one, two);
        var half = Vector256.MaxNative(one.GetLower(), one.GetUpper());
        var quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        var max = quarter[0];
        for (var lane = 1; lane < Vector128<float>.Count; lane++)
            max = quarter[lane] > max ? quarter[lane] : max;
        return max;
    }
}

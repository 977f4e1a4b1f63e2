using System.Numerics.Tensors;

namespace Parley.Generator.Sampling;

/// <summary>
/// The tokens that a filter has left, ids ascending, in buffers as large as the vocabulary. Filters cut it down in place; what
/// follows a filter reads the few that are left.
/// </summary>
internal sealed class CandidateSet(int vocabularySize)
{
    private readonly int[] _ids = new int[vocabularySize];
    private readonly float[] _scores = new float[vocabularySize];
    private readonly float[] _probabilities = new float[vocabularySize];
    private bool[]? _marks;

    public int Count { get; private set; }

    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public ReadOnlySpan<float> Scores => _scores.AsSpan(0, Count);

    /// <summary>Scratch [Count] for <see cref="Cut"/>, with anything in it.</summary>
    public Span<bool> Marks => (_marks ??= new bool[vocabularySize]).AsSpan(0, Count);

    /// <summary>Takes every token whose score is at least <paramref name="threshold"/> and not minus infinity.</summary>
    public void Fill(ReadOnlySpan<float> scores, float threshold)
    {
        Count = 0;
        if (float.IsNegativeInfinity(threshold))
        {
            FillFinite(scores);
            return;
        }

        for (var id = TopSelector.IndexOfAtLeast(scores, 0, threshold); id < scores.Length;
            id = TopSelector.IndexOfAtLeast(scores, id + 1, threshold))
        {
            _ids[Count] = id;
            _scores[Count++] = scores[id];
        }
    }

    /// <summary>The same for a row whose blocks are known, each score divided.</summary>
    /// <param name="scores">The row.</param>
    /// <param name="blocks">Its blocks.</param>
    /// <param name="threshold">Of the scores before they are divided; finite.</param>
    /// <param name="divisor">Above 0.</param>
    public void Fill(ReadOnlySpan<float> scores, ScoreBlocks blocks, float threshold, float divisor)
    {
        Count = 0;
        for (var block = blocks.NextBlock(0, threshold); block < blocks.BlockCount; block = blocks.NextBlock(block + 1, threshold))
        {
            var part = ScoreBlocks.Block(scores, block);
            for (var i = TopSelector.IndexOfAtLeast(part, 0, threshold); i < part.Length;
                i = TopSelector.IndexOfAtLeast(part, i + 1, threshold))
            {
                _ids[Count] = ScoreBlocks.StartOf(block) + i;
                _scores[Count++] = part[i] / divisor;
            }
        }
    }

    /// <summary>Takes these tokens, ids ascending.</summary>
    public void Fill(ReadOnlySpan<int> ids, ReadOnlySpan<float> scores)
    {
        ids.CopyTo(_ids);
        scores.CopyTo(_scores);
        Count = ids.Length;
    }

    private void FillFinite(ReadOnlySpan<float> scores)
    {
        for (var id = 0; id < scores.Length; id++)
        {
            _ids[Count] = id;
            _scores[Count] = scores[id];
            if (!float.IsNegativeInfinity(scores[id]))
                Count++;
        }
    }

    /// <summary>Keeps the candidates for which <paramref name="keep"/> holds true, in their order.</summary>
    public void Cut(ReadOnlySpan<bool> keep)
    {
        var count = 0;
        for (var i = 0; i < Count; i++)
        {
            _ids[count] = _ids[i];
            _scores[count] = _scores[i];
            if (keep[i])
                count++;
        }

        Count = count;
    }

    /// <summary>Softmax over the candidates; valid until the next call.</summary>
    public ReadOnlySpan<float> Softmax()
    {
        var probabilities = _probabilities.AsSpan(0, Count);
        SoftmaxOf(Scores, probabilities);
        return probabilities;
    }

    /// <summary>Probability of one token under <see cref="Softmax"/>'s last result; 0 when it is out.</summary>
    public float ProbabilityOf(int id)
    {
        var index = Ids.BinarySearch(id);
        return index < 0 ? 0 : _probabilities[index];
    }

    /// <summary>Softmax in fp32 with the maximum taken off first; minus infinity gives 0.</summary>
    public static void SoftmaxOf(ReadOnlySpan<float> scores, Span<float> probabilities)
    {
        TensorPrimitives.Subtract(scores, TensorPrimitives.Max(scores), probabilities);
        TensorPrimitives.Exp(probabilities, probabilities);
        TensorPrimitives.Divide(probabilities, TensorPrimitives.Sum<float>(probabilities), probabilities);
    }
}

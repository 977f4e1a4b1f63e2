namespace Parley.Generator.Sampling;

/// <summary>Rules out the token that would make a bad run whole: <c>NoBadWordsLogitsProcessor</c> of transformers 5.23.</summary>
internal static class BadWords
{
    public static void Apply(Span<float> scores, IReadOnlyList<IReadOnlyList<uint>> runs, ReadOnlySpan<uint> tokens)
    {
        foreach (var run in runs)
        {
            if (SequenceBias.IsAtItsLast(run, tokens))
                scores[(int)run[^1]] = float.NegativeInfinity;
        }
    }
}

namespace Parley.Cli.Evaluation;

/// <summary>What a model is asked: a text cut into windows, each read with an empty cache before it.</summary>
internal sealed class EvaluationPlan
{
    /// <summary>Rows of logits that are held at once; with a vocabulary of 128k about 66 MB per model.</summary>
    public const int StepTokens = 128;

    /// <param name="ids">The text's ids.</param>
    /// <param name="prefix">Ids that the model expects at the start (its begin-of-text token); they stand before each window.</param>
    /// <param name="windowTokens">Text ids of a window; at least 2.</param>
    /// <param name="strideTokens">
    /// How far each window begins after the one before; 1 to <paramref name="windowTokens"/>. Below it, windows overlap, and only what no
    /// window before it has scored counts: every score then has at least the overlap as its past.
    /// </param>
    public EvaluationPlan(uint[] ids, uint[] prefix, int windowTokens, int strideTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windowTokens, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(strideTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(strideTokens, windowTokens);
        (WindowTokens, StrideTokens, Tokens) = (windowTokens, strideTokens, ids.Length);
        var windows = new List<EvaluationWindow>();
        var scored = 0;
        for (var start = 0; scored < ids.Length; start += strideTokens)
        {
            var end = Math.Min(start + windowTokens, ids.Length);
            // The first id of all has no past, so nothing predicts it; a prefix does.
            var first = Math.Max(scored, prefix.Length > 0 ? start : start + 1);
            if (first < end)
                windows.Add(new EvaluationWindow([.. prefix, .. ids.AsSpan(start, end - start)], first - start + prefix.Length));
            scored = end;
        }

        Windows = windows;
    }

    public IReadOnlyList<EvaluationWindow> Windows { get; }

    public int WindowTokens { get; }

    public int StrideTokens { get; }

    /// <summary>Ids of the text.</summary>
    public int Tokens { get; }

    /// <summary>Ids that are scored.</summary>
    public int ScoredTokens => Windows.Sum(window => window.ScoredTokens);

    /// <summary>Ids of the longest window, prefix included.</summary>
    public int LongestWindow => Windows.Count == 0 ? 0 : Windows.Max(window => window.Ids.Length);
}

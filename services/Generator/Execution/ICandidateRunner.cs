namespace Parley.Generator.Execution;

/// <summary>
/// A runner whose logits lie on a device: it gives the best of each row at once and a whole row when asked, since that has a price. Rows of
/// the last step for which candidates suffice (<see cref="StepBatch.LogitBest"/>) are undefined in what
/// <see cref="IModelRunner.Run"/> returned.
/// </summary>
internal interface ICandidateRunner : IModelRunner
{
    /// <summary>Candidates of each row.</summary>
    int CandidateCount { get; }

    /// <summary>The best logits of a row of the last step, best first, and their ids.</summary>
    /// <returns>False where the row holds a logit that is not a finite number: then only the whole row says which.</returns>
    bool TryGetCandidates(int row, out ReadOnlySpan<float> logits, out ReadOnlySpan<long> ids);

    /// <summary>A whole row of the last step's logits [VocabularySize].</summary>
    ReadOnlySpan<float> LogitsOf(int row);
}

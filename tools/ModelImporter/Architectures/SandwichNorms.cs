namespace Parley.ModelImporter.Architectures;

/// <summary>
/// Norms of a mixture whose router and experts read the stream each by a norm of their own, beside the MLP of every token.
/// </summary>
/// <param name="Router">Before the router, with 1/√hidden as a further factor.</param>
/// <param name="Experts">Before the experts.</param>
/// <param name="ExpertsAfter">Of what the experts give.</param>
/// <param name="SharedAfter">Of what the MLP of every token gives.</param>
internal sealed record SandwichNorms(NormWeights Router, NormWeights Experts, NormWeights ExpertsAfter, NormWeights SharedAfter)
{
    public IReadOnlyList<NormWeights> All { get; } = [Router, Experts, ExpertsAfter, SharedAfter];
}

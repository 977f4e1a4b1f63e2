namespace Parley.ModelImporter.Architectures;

/// <summary>How a layer adds its own embedding of a token to the residual stream.</summary>
/// <param name="Gate">From the stream to the width of the embedding.</param>
/// <param name="Projection">Back.</param>
/// <param name="AfterNorm">Of what is added.</param>
internal sealed record PerLayerInput(LinearWeights Gate, LinearWeights Projection, NormWeights AfterNorm)
{
    public IReadOnlyList<LinearWeights> Linears => [Gate, Projection];
}

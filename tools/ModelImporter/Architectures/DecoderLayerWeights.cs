namespace Parley.ModelImporter.Architectures;

/// <summary>The weights of one decoder layer, in the order of the computation.</summary>
/// <param name="AttentionNorm">Tensor [hidden] before attention.</param>
/// <param name="Qkv">Query, key and value.</param>
/// <param name="AttentionOutput">From the heads back to the residual stream.</param>
/// <param name="MlpNorm">Tensor [hidden] before the MLP.</param>
/// <param name="GateUp">Gate and up.</param>
/// <param name="Down">Back to the residual stream.</param>
internal sealed record DecoderLayerWeights(
    string AttentionNorm, LinearWeights Qkv, LinearWeights AttentionOutput, string MlpNorm, LinearWeights GateUp, LinearWeights Down)
{
    public IReadOnlyList<LinearWeights> Linears => [Qkv, AttentionOutput, GateUp, Down];
}

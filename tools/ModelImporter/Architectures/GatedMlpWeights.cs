namespace Parley.ModelImporter.Architectures;

/// <summary>activation(gate) · up, then down.</summary>
/// <param name="GateUp">Gate and up.</param>
/// <param name="Down">Back to the residual stream.</param>
internal sealed record GatedMlpWeights(LinearWeights GateUp, LinearWeights Down) : MlpWeights
{
    public override IReadOnlyList<LinearWeights> Linears { get; } = [GateUp, Down];
}

namespace Parley.ModelImporter.Architectures;

/// <summary>activation(up), then down.</summary>
/// <param name="Up">Up.</param>
/// <param name="Down">Back to the residual stream.</param>
internal sealed record PlainMlpWeights(LinearWeights Up, LinearWeights Down) : MlpWeights
{
    public override IReadOnlyList<LinearWeights> Linears { get; } = [Up, Down];
}

namespace Parley.ModelImporter.Architectures;

/// <summary>The MLP of a layer; the kinds of it derive from this, and each has an emitter in the graph.</summary>
internal abstract record MlpWeights
{
    /// <summary>All its linears in the order of the computation.</summary>
    public abstract IReadOnlyList<LinearWeights> Linears { get; }

    /// <summary>Tensors of one number each, which belong to the activation.</summary>
    public IReadOnlyList<ScalarWeight> Scalars { get; init; } = [];
}

namespace Parley.ModelImporter.Adapters;

/// <summary>What a tensor of peft's files is to its module.</summary>
internal enum PeftRole
{
    /// <summary>The factor over the inputs.</summary>
    A,

    /// <summary>The factor over the outputs.</summary>
    B,

    /// <summary>The bias of the second factor.</summary>
    BiasUpdate,

    /// <summary>The factor over the ids of an embedding.</summary>
    EmbeddingA,

    /// <summary>The factor over its width.</summary>
    EmbeddingB,

    /// <summary>Lengths of the rows.</summary>
    Magnitude,

    /// <summary>The weight itself.</summary>
    Weight,

    /// <summary>The bias itself.</summary>
    Bias,

    /// <summary>What the base had; nothing to do.</summary>
    Original,
}

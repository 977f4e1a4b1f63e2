namespace Parley.ModelImporter.Architectures;

/// <summary>What norms of queries and keys go over, and when.</summary>
internal enum HeadNormKind
{
    /// <summary>Each head by itself with one set of weights, before the rotation.</summary>
    PerHead,

    /// <summary>The same after the rotation.</summary>
    PerHeadRotated,

    /// <summary>All heads as one vector, before the rotation.</summary>
    Whole,

    /// <summary>Each head by itself with weights of its own, before the rotation.</summary>
    PerHeadOwn,
}

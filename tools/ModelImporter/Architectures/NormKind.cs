namespace Parley.ModelImporter.Architectures;

/// <summary>How a vector is normalised before its weights are applied.</summary>
internal enum NormKind
{
    /// <summary>Divided by the root of the mean of squares.</summary>
    RootMeanSquare,

    /// <summary>The mean taken away, then divided by the standard deviation.</summary>
    Layer,
}

namespace Parley.PackageFormat;

/// <summary>What tells the package of an adapter from others.</summary>
/// <param name="Architecture">As its manifest names it.</param>
/// <param name="Layers">Decoder layers.</param>
/// <param name="HiddenSize">Width of the residual stream.</param>
/// <param name="VocabularySize">Rows of embedding and head.</param>
/// <param name="SourceSha256">Hash of the checkpoint that the package was made of.</param>
public sealed record AdapterBase(string Architecture, int Layers, int HiddenSize, int VocabularySize, string SourceSha256)
{
    /// <summary>That of a package.</summary>
    public static AdapterBase Of(ModelManifest package)
    {
        ArgumentNullException.ThrowIfNull(package);
        var shape = package.Shape;
        return new(package.Architecture, shape.Layers, shape.HiddenSize, shape.VocabularySize, package.SourceSha256);
    }
}

using System.Text.Json.Serialization;

namespace Parley.PackageFormat;

/// <summary>The heads of a layer that are not those of most.</summary>
/// <param name="Layer">Index of the layer.</param>
/// <param name="KeyValueHeads">Key and value heads; divides the query heads.</param>
/// <param name="HeadSize">Width of one head.</param>
public sealed record LayerHeads(int Layer, int KeyValueHeads, int HeadSize)
{
    /// <summary>Numbers of a key as the cache holds it.</summary>
    [JsonIgnore]
    public int KeySize { get; init; } = HeadSize;

    /// <summary>Numbers of a value as the cache holds it.</summary>
    [JsonIgnore]
    public int ValueSize { get; init; } = HeadSize;
}

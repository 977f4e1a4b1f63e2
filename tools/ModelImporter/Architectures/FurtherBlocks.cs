using System.Globalization;

namespace Parley.ModelImporter.Architectures;

/// <summary>Blocks behind the last layer, which predict further tokens.</summary>
internal static class FurtherBlocks
{
    /// <summary>Whether a tensor belongs to one, by its name in a checkpoint or a GGUF file.</summary>
    public static bool Holds(string tensor, int layers) =>
        LayerOf(tensor) is { } layer && int.TryParse(layer, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        && index >= layers;

    private static string? LayerOf(string tensor) => tensor.Split('.') switch
    {
        ["model", "layers", var layer, ..] => layer,
        ["blk", var layer, ..] => layer,
        _ => null,
    };
}

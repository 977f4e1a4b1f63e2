using System.Globalization;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// The heads of each layer of Gemma 4: <c>per_layer_config</c>, else <c>global_head_dim</c> and <c>num_global_key_value_heads</c> of full
/// layers.
/// </summary>
internal static class Gemma4Heads
{
    public const string PerLayer = "per_layer_config";

    private const string Size = "head_dim";
    private const string KeyValueHeads = "num_key_value_heads";
    private const string GlobalSize = "global_head_dim";
    private const string GlobalHeads = "num_global_key_value_heads";

    /// <summary>Reads them.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shape">The heads of most layers.</param>
    /// <param name="slides">Whether each layer has a window.</param>
    /// <param name="keysAreValues">Full layers have no values of their own: only then they may have other key heads.</param>
    /// <exception cref="InvalidDataException">A field is malformed, or the layers of a type differ.</exception>
    public static IReadOnlyList<(int KeyValueHeads, int HeadSize)> Read(
        ConfigFile config, ModelShape shape, bool[] slides, bool keysAreValues)
    {
        config.Watch(GlobalSize, GlobalHeads);
        var heads = slides.Select(_ => (shape.KeyValueHeads, shape.HeadSize)).ToArray();
        if (config.Names(PerLayer))
        {
            foreach (var (layer, own) in Layers(config, slides.Length))
                heads[layer] = (own.Int(KeyValueHeads, 1, 1 << 14, shape.KeyValueHeads), own.Int(Size, 1, 1 << 12, shape.HeadSize));
        }
        else
        {
            config.RefuseNull(GlobalSize);
            var size = config.Int(GlobalSize, 1, 1 << 12, 512);
            var count = keysAreValues ? config.Int(GlobalHeads, 1, 1 << 14, shape.KeyValueHeads) : shape.KeyValueHeads;
            heads = [.. heads.Zip(slides, (most, slide) => slide ? most : (count, size))];
        }

        var (sizeField, countField) = config.Names(PerLayer) ? (PerLayer, PerLayer) : (GlobalSize, GlobalHeads);
        foreach (var (layer, (count, size)) in heads.Index())
        {
            if (size % 16 != 0)
                throw config.Unsupported(sizeField, $"{size} in layer {layer}", "multiples of 16");
            if (shape.QueryHeads % count != 0)
                throw config.Unsupported(countField, $"{count} in layer {layer}", $"divisors of num_attention_heads ({shape.QueryHeads})");
            // As in transformers, whose positions are those of a type.
            if (heads[Array.IndexOf(slides, slides[layer])] is var first && first.HeadSize != size)
            {
                throw config.Unsupported(
                    sizeField, $"{size} in layer {layer}", $"one {Size} for all layers of its type ({first.HeadSize})");
            }
        }

        return heads;
    }

    private static IEnumerable<(int Layer, ConfigFile Own)> Layers(ConfigFile config, int count)
    {
        if (config.Object(PerLayer) is not { } layers)
            yield break;
        foreach (var name in layers.Fields)
        {
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var layer) || layer >= count)
                throw config.Unsupported(PerLayer, $"of a layer \"{name}\"", $"layers from 0 to {count - 1}");
            layers.RefuseNull(name);
            var own = layers.Object(name)!;
            own.RefuseNull(Size, KeyValueHeads);
            if (own.Fields.FirstOrDefault(field => field is not (Size or KeyValueHeads)) is { } other)
                throw layers.Unsupported($"{name}.{other}", "set", $"{Size} and {KeyValueHeads} of a layer");
            yield return (layer, own);
        }
    }
}

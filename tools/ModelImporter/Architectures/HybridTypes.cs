namespace Parley.ModelImporter.Architectures;

/// <summary>Which layers have a state in the place of keys and values, as <c>layer_types</c> says it, in new words or old ones.</summary>
internal static class HybridTypes
{
    private const string Linear = "linear_attention";
    private const string OldLinear = "mamba";

    /// <summary>Reads whether each layer has one.</summary>
    /// <exception cref="InvalidDataException">A type is unknown, there are not as many as layers, or none has attention.</exception>
    public static IReadOnlyList<bool> Read(ConfigFile config, string field, int layers)
    {
        var types = config.Texts(field);
        if (types.FirstOrDefault(type => type is not (Linear or OldLinear or WindowFields.Full or WindowFields.OldFull)) is { } other)
        {
            throw config.Unsupported(
                field, $"a list with \"{other}\"", $"{Linear}, {WindowFields.Full}, {OldLinear}, {WindowFields.OldFull}");
        }

        return types.Count == layers ? Check(config, field, [.. types.Select(type => type is Linear or OldLinear)])
            : throw config.Unsupported(field, $"a list of {types.Count}", $"one for each of the {layers} layers");
    }

    /// <summary>Refuses models without attention: a sequence without keys has no blocks, by which everything else is counted.</summary>
    /// <exception cref="InvalidDataException">No layer has attention.</exception>
    public static IReadOnlyList<bool> Check(ConfigFile config, string field, IReadOnlyList<bool> types) =>
        types.Contains(false) ? types : throw config.Unsupported(field, "without a layer of attention", "at least one of them");
}

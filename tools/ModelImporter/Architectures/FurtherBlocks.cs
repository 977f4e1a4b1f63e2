using System.Globalization;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>Blocks behind the last layer, which predict further tokens.</summary>
internal static class FurtherBlocks
{
    /// <summary>Whether a tensor belongs to one, by its name in a checkpoint or a GGUF file.</summary>
    public static bool Holds(string tensor, int layers) =>
        LayerOf(tensor) is { } layer && int.TryParse(layer, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        && index >= layers;

    /// <summary>What whoever imports is told of a block that is not used.</summary>
    public static string LeftOut(string why) => $"the block that predicts further tokens is left out, as in transformers: {why}.";

    /// <summary>Why a checkpoint's block cannot be used; null where it can.</summary>
    public static string? Obstacle(DrafterWeights drafter, CheckpointTensors tensors, bool canDraft) =>
        !canDraft ? "drafts by it are made on the CPU, by Parley's own operators"
        : drafter.IsIn(tensors) ? null : "the checkpoint lacks it, or a part of it";

    /// <summary>What is said of blocks: the first is used, transformers uses none.</summary>
    /// <param name="field">Names their number.</param>
    /// <param name="count">The number.</param>
    public static IReadOnlyList<string> Notes(string field, int count) => count < 2 ? []
        : [$"of the blocks behind the last layer that predict further tokens ({field} is {count}) the first alone is used, for drafts."];

    private static string? LayerOf(string tensor) => tensor.Split('.') switch
    {
        ["model", "layers", var layer, ..] => layer,
        ["blk", var layer, ..] => layer,
        _ => null,
    };
}

using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>What GGUF files say of mixtures of experts, whatever the family.</summary>
internal static class GgufExperts
{
    /// <summary>Keys of the number of experts and of those that a token goes through.</summary>
    public static IReadOnlyList<string> Keys { get; } = ["expert_count", "expert_used_count"];

    /// <summary>The router and the experts, each matrix of all of them in one tensor.</summary>
    /// <param name="router">The router in Hugging Face's words.</param>
    /// <param name="experts">The experts.</param>
    public static IReadOnlyList<(string Module, string Name)> Modules(string router, string experts) =>
    [
        ("ffn_gate_inp", router), ("ffn_gate_exps", $"{experts}.gate_exps"), ("ffn_up_exps", $"{experts}.up_exps"),
        ("ffn_down_exps", $"{experts}.down_exps"),
    ];

    /// <summary>Sets both numbers, and the width of an expert where a field has it.</summary>
    /// <param name="source">What the file says.</param>
    /// <param name="config">Takes the fields.</param>
    /// <param name="countField">Field of the number of experts.</param>
    /// <param name="widthField">Field of the width of an expert.</param>
    public static void Set(GgufSource source, JsonObject config, string countField, string widthField)
    {
        config[countField] = source.Keys.Size("expert_count");
        config["num_experts_per_tok"] = source.Keys.Size("expert_used_count");
        config[widthField] = source.Keys.Size("expert_feed_forward_length", source.Keys.Count("feed_forward_length"));
    }
}

using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Qwen3.5 with experts.</summary>
internal sealed class Qwen35MoeGguf : GgufFamily
{
    public override string Architecture => "qwen35moe";

    public override IReadOnlyList<string> ModelTypes { get; } = ["qwen3_5_moe_text", "qwen3_5_moe"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(GgufDelta.MixtureModules);

    public override IReadOnlyCollection<string> Honoured { get; } = [.. GgufDelta.Honoured, .. GgufExperts.Keys];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Qwen3_5MoeForCausalLM", "qwen3_5_moe_text");
        GgufDelta.Set(source, config);
        GgufExperts.Set(source, config, "num_experts", "moe_intermediate_size");
        config["shared_expert_intermediate_size"] =
            source.Keys.Count("expert_shared_feed_forward_length") ?? config["moe_intermediate_size"]!.GetValue<long>();
    }
}

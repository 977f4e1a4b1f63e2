using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Qwen3-Next, whose value heads lie as the checkpoint has them.</summary>
internal sealed class Qwen3NextGguf : GgufFamily
{
    public override string Architecture => "qwen3next";

    public override IReadOnlyList<string> ModelTypes { get; } = ["qwen3_next"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(GgufDelta.MixtureModules);

    public override IReadOnlyCollection<string> Honoured { get; } = [.. GgufDelta.Honoured, .. GgufExperts.Keys];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Qwen3NextForCausalLM", "qwen3_next");
        GgufDelta.Set(source, config);
        GgufExperts.Set(source, config, "num_experts", "moe_intermediate_size");
        config["shared_expert_intermediate_size"] =
            source.Keys.Count("expert_shared_feed_forward_length") ?? source.Keys.Size("feed_forward_length");
        // As llama.cpp has it; all published models do.
        config["norm_topk_prob"] = true;
        config["decoder_sparse_step"] = 1;
        config["mlp_only_layers"] = new JsonArray();
    }
}

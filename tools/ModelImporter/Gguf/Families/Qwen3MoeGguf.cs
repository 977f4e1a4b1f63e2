using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Qwen 3 with experts.</summary>
internal sealed class Qwen3MoeGguf : GgufFamily
{
    public override string Architecture => "qwen3moe";

    public override IReadOnlyList<string> ModelTypes { get; } = ["qwen3_moe"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(GgufExperts.Modules("mlp.gate", "mlp.experts"));

    public override IReadOnlyCollection<string> Honoured { get; } = GgufExperts.Keys.ToArray();

    public override IReadOnlyList<string> Notes { get; } = [Qwen2Gguf.WindowNote];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Qwen3MoeForCausalLM", "qwen3_moe");
        config["use_sliding_window"] = false;
        config["attention_bias"] = source.HasBias("attn_q");
        GgufExperts.Set(source, config, "num_experts", "moe_intermediate_size");
        // As llama.cpp has it; all published models do.
        config["norm_topk_prob"] = true;
        config["mlp_only_layers"] = new JsonArray(
            [.. Enumerable.Range(0, (int)source.Keys.Size("block_count"))
                .Where(layer => !source.Tensors.Contains($"blk.{layer}.ffn_gate_inp.weight")).Select(layer => (JsonNode)layer)]);
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

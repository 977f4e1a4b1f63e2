using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Phi-3 and Phi-4: packed matrices, and longrope as two tensors.</summary>
internal sealed class Phi3Gguf : GgufFamily
{
    public override string Architecture => "phi3";

    public override IReadOnlyList<string> ModelTypes { get; } = ["phi3"];

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With(("attn_qkv", "self_attn.qkv_proj"), ("ffn_up", "mlp.gate_up_proj"));

    public override IReadOnlyCollection<string> Honoured { get; } =
        ["attention.sliding_window", "rope.scaling.attn_factor", "rope.dimension_count"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Phi3ForCausalLM", "phi3");
        var turning = source.Keys.Size("rope.dimension_count", source.HeadSize);
        config["partial_rotary_factor"] = (double)turning / source.HeadSize;
        config["sliding_window"] = source.Keys.Count("attention.sliding_window");
        if (source.Keys.Count("rope.scaling.original_context_length") is { } original)
            config["original_max_position_embeddings"] = original;
        if (source.Factors is not { Brief: { } brief, Extended: { } extended })
            return;
        var scaling = new JsonObject
        {
            ["rope_type"] = "longrope",
            ["short_factor"] = new JsonArray([.. brief.Select(factor => (JsonNode)factor)]),
            ["long_factor"] = new JsonArray([.. extended.Select(factor => (JsonNode)factor)]),
        };
        source.Set(scaling, "attention_factor", "rope.scaling.attn_factor");
        config["rope_scaling"] = scaling;
    }
}

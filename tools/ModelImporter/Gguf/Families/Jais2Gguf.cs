using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Jais 2.</summary>
internal sealed class Jais2Gguf : GgufFamily
{
    public override string Architecture => "jais2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["jais2"];

    public override (string Key, string? Field) Epsilon => (LayerNormKey, "layer_norm_eps");

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Jais2ForCausalLM", "jais2");
        config["attention_bias"] = source.HasBias("attn_q");
        config["mlp_bias"] = source.HasBias("ffn_up");
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>SmolLM3.</summary>
internal sealed class SmolLm3Gguf : GgufFamily
{
    public override string Architecture => "smollm3";

    public override IReadOnlyList<string> ModelTypes { get; } = ["smollm3"];

    public override double ClassBase => 2_000_000;

    public override bool IsPermuted => true;

    public override IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say which layers do not rotate: every fourth, as in the published models; nor a window.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "SmolLM3ForCausalLM", "smollm3");
        config["attention_bias"] = source.HasBias("attn_q");
        config["mlp_bias"] = source.HasBias("ffn_gate");
        config["no_rope_layer_interval"] = 4;
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

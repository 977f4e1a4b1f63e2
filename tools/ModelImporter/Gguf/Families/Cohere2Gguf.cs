using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Command R7B and A.</summary>
internal sealed class Cohere2Gguf : GgufFamily
{
    private const int Pattern = 4;

    public override string Architecture => "cohere2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["cohere2"];

    public override (string Key, string? Field) Epsilon => (LayerNormKey, "layer_norm_eps");

    public override IReadOnlyCollection<string> Honoured { get; } = ["logit_scale", "attention.sliding_window"];

    public override IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say which layers have a window: three of four, as in the published models.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Cohere2ForCausalLM", "cohere2");
        config["logit_scale"] = source.Keys.Number("logit_scale");
        config["attention_bias"] = source.HasBias("attn_q");
        config["sliding_window_pattern"] = Pattern;
        source.SetWindows(config, (int)source.Keys.Size("block_count"));
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>StarCoder 2.</summary>
internal sealed class Starcoder2Gguf : GgufFamily
{
    public override string Architecture => "starcoder2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["starcoder2"];

    public override (string Key, string? Field) Epsilon => (LayerNormKey, "norm_epsilon");

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(("ffn_up", "mlp.c_fc"), ("ffn_down", "mlp.c_proj"));

    public override IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say whether attention has a window (StarCoder 2: 4096): every position attends to all "
        + "before it. Put the model's config.json beside the file where it has one.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Starcoder2ForCausalLM", "starcoder2");
        config["use_bias"] = source.HasBias("attn_q");
        config["sliding_window"] = null;
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

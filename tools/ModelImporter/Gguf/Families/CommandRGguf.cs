using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Command R.</summary>
internal sealed class CommandRGguf : GgufFamily
{
    public override string Architecture => "command-r";

    public override IReadOnlyList<string> ModelTypes { get; } = ["cohere"];

    public override double ClassBase => 500_000;

    public override (string Key, string? Field) Epsilon => (LayerNormKey, "layer_norm_eps");

    public override IReadOnlyCollection<string> Honoured { get; } = ["logit_scale"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "CohereForCausalLM", "cohere");
        config["logit_scale"] = source.Keys.Number("logit_scale");
        config["use_qk_norm"] = source.Tensors.Contains("blk.0.attn_q_norm.weight");
        config["attention_bias"] = source.HasBias("attn_q");
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

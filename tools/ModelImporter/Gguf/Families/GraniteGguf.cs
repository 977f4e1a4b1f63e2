using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Granite 3, with its factors.</summary>
internal sealed class GraniteGguf : GgufFamily
{
    public override string Architecture => "granite";

    public override IReadOnlyList<string> ModelTypes { get; } = ["granite"];

    public override bool IsPermuted => true;

    public override IReadOnlyCollection<string> Honoured { get; } =
        ["attention.scale", "embedding_scale", "residual_scale", "logit_scale"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "GraniteForCausalLM", "granite");
        config["mlp_bias"] = source.HasBias("ffn_gate");
        SetFactors(source, config);
    }

    /// <summary>What the family with experts has, too.</summary>
    public static void SetFactors(GgufSource source, JsonObject config)
    {
        config["attention_bias"] = source.HasBias("attn_q");
        source.Set(config, "attention_multiplier", "attention.scale");
        if (!config.ContainsKey("attention_multiplier"))
            config["attention_multiplier"] = 1 / Math.Sqrt(source.HeadSize);
        source.Set(config, "embedding_multiplier", "embedding_scale");
        source.Set(config, "residual_multiplier", "residual_scale");
        source.Set(config, "logits_scaling", "logit_scale");
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

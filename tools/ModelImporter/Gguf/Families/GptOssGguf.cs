using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>gpt-oss. The file does not say that yarn's range is not truncated, nor what cuts off the gate; the architecture does.</summary>
internal sealed class GptOssGguf : GgufFamily
{
    public override string Architecture => "gpt-oss";

    public override IReadOnlyList<string> ModelTypes { get; } = ["gpt_oss"];

    public override double ClassBase => 150_000;

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(
        [.. GgufExperts.Modules("mlp.router", "mlp.experts"), ("attn_sinks", "self_attn.sinks"),
            ("post_attention_norm", "post_attention_layernorm")]);

    public override IReadOnlyCollection<string> Honoured { get; } =
        [.. GgufExperts.Keys, "attention.sliding_window", "rope.scaling.attn_factor"];

    public override IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say swiglu_alpha and swiglu_limit, nor that yarn's range is not truncated: 1.702, 7 and "
        + "not truncated, as in all published models.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "GptOssForCausalLM", "gpt_oss");
        GgufExperts.Set(source, config, "num_local_experts", "intermediate_size");
        config["attention_bias"] = source.HasBias("attn_q");
        config["sliding_window"] = source.Keys.Count("attention.sliding_window") ?? 128;
        if (source.Scaling("yarn") is { } scaling)
        {
            if (scaling["rope_type"]!.GetValue<string>() == "yarn")
                scaling["truncate"] = false;
            config["rope_scaling"] = scaling;
        }
        else
            config["rope_parameters"] = new JsonObject { ["rope_type"] = "default" };
    }
}

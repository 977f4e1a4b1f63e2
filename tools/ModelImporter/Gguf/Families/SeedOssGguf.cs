using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Seed-OSS.</summary>
internal sealed class SeedOssGguf : GgufFamily
{
    public override string Architecture => "seed_oss";

    public override IReadOnlyList<string> ModelTypes { get; } = ["seed_oss"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "SeedOssForCausalLM", "seed_oss");
        config["attention_bias"] = source.HasBias("attn_q");
        config["attention_out_bias"] = source.HasBias("attn_output");
        config["mlp_bias"] = source.HasBias("ffn_gate");
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Hunyuan dense. The base in the file is the one that alpha made larger, so nothing is left to scale.</summary>
internal sealed class HunYuanDenseGguf : GgufFamily
{
    public override string Architecture => "hunyuan-dense";

    public override IReadOnlyList<string> ModelTypes { get; } = ["hunyuan_v1_dense"];

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With(("attn_q_norm", "self_attn.query_layernorm"), ("attn_k_norm", "self_attn.key_layernorm"));

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "HunYuanDenseV1ForCausalLM", "hunyuan_v1_dense");
        config["attention_bias"] = source.HasBias("attn_q");
        if (source.Scaling() is { } scaling && scaling["factor"]!.GetValue<double>() != 1)
            config["rope_scaling"] = scaling;
    }
}

using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>OLMo 2, and OLMo 3 where there is a window.</summary>
internal sealed class Olmo2Gguf : GgufFamily
{
    public override string Architecture => "olmo2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["olmo2", "olmo3"];

    /// <summary>What EXAONE 4 calls its norms, too.</summary>
    public static IReadOnlyDictionary<string, string> After { get; } =
        With(("post_attention_norm", "post_attention_layernorm"), ("post_ffw_norm", "post_feedforward_layernorm"));

    public override IReadOnlyDictionary<string, string> Modules => After;

    public override IReadOnlyCollection<string> Honoured { get; } = ["attention.sliding_window", "rope.scaling.attn_factor"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        var scaling = source.Scaling("yarn");
        config["attention_bias"] = source.HasBias("attn_q");
        if (source.Keys.Count("attention.sliding_window") is null)
        {
            GgufSource.SetType(config, "Olmo2ForCausalLM", "olmo2");
            if (scaling is not null)
                config["rope_scaling"] = scaling;
            return;
        }

        GgufSource.SetType(config, "Olmo3ForCausalLM", "olmo3");
        source.SetWindows(config, (int)source.Keys.Size("block_count"));
        var theta = source.Keys.Number("rope.freq_base", 500_000);
        config.Remove("rope_theta");
        var full = scaling ?? new JsonObject { ["rope_type"] = "default" };
        full["rope_theta"] = theta;
        config["rope_parameters"] = new JsonObject
        {
            ["full_attention"] = full,
            ["sliding_attention"] = new JsonObject
            {
                ["rope_type"] = "default",
                ["rope_theta"] = source.Keys.Number("rope.freq_base_swa", theta),
            },
        };
    }
}

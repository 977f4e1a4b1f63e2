using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Nemotron and Minitron; the file has the sums 1 + w of its norms.</summary>
internal sealed class NemotronGguf : GgufFamily
{
    private const string Turning = "rope.dimension_count";

    public override string Architecture => "nemotron";

    public override IReadOnlyList<string> ModelTypes { get; } = ["nemotron"];

    public override (string Key, string? Field) Epsilon => (LayerNormKey, "norm_eps");

    public override IReadOnlyCollection<string> Honoured { get; } = [Turning];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "NemotronForCausalLM", "nemotron");
        config["attention_bias"] = source.HasBias("attn_q");
        config["mlp_bias"] = source.HasBias("ffn_up");
        config["partial_rotary_factor"] = (double)source.Keys.Size(Turning, source.HeadSize) / source.HeadSize;
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

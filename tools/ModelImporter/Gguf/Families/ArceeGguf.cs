using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Arcee.</summary>
internal sealed class ArceeGguf : GgufFamily
{
    public override string Architecture => "arcee";

    public override IReadOnlyList<string> ModelTypes { get; } = ["arcee"];

    public override bool IsPermuted => true;

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "ArceeForCausalLM", "arcee");
        config["attention_bias"] = source.HasBias("attn_q");
        config["mlp_bias"] = source.HasBias("ffn_up");
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

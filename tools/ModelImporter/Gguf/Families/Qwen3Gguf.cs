using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Qwen 3.</summary>
internal sealed class Qwen3Gguf : GgufFamily
{
    public override string Architecture => "qwen3";

    public override IReadOnlyList<string> ModelTypes { get; } = ["qwen3"];

    public override IReadOnlyList<string> Notes { get; } = [Qwen2Gguf.WindowNote];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Qwen3ForCausalLM", "qwen3");
        config["use_sliding_window"] = false;
        config["attention_bias"] = source.HasBias("attn_q");
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

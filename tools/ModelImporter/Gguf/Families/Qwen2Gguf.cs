using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Qwen 2 and 2.5.</summary>
internal sealed class Qwen2Gguf : GgufFamily
{
    public override string Architecture => "qwen2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["qwen2"];

    public override IReadOnlyList<string> Notes { get; } = [WindowNote];

    /// <summary>What Qwen 3 leaves open, too.</summary>
    public const string WindowNote =
        "a GGUF file of this architecture cannot say whether attention has a window in some layers: every position attends to all before.";

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Qwen2ForCausalLM", "qwen2");
        config["use_sliding_window"] = false;
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

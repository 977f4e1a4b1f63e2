using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Qwen3.5. The block that predicts further tokens counts as a block there.</summary>
internal sealed class Qwen35Gguf : GgufFamily
{
    public override string Architecture => "qwen35";

    public override IReadOnlyList<string> ModelTypes { get; } = ["qwen3_5_text", "qwen3_5"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(GgufDelta.Modules);

    public override IReadOnlyCollection<string> Honoured { get; } = [.. GgufDelta.Honoured];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Qwen3_5ForCausalLM", "qwen3_5_text");
        GgufDelta.Set(source, config);
    }
}

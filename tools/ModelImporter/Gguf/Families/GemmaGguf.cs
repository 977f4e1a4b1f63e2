using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Gemma.</summary>
internal sealed class GemmaGguf : GgufFamily
{
    public override string Architecture => "gemma";

    public override IReadOnlyList<string> ModelTypes { get; } = ["gemma"];

    public override void Complete(GgufSource source, JsonObject config) => GgufSource.SetType(config, "GemmaForCausalLM", "gemma");
}

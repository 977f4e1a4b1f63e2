using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>ERNIE 4.5, whose neighbours turn in llama.cpp, too.</summary>
internal sealed class Ernie45Gguf : GgufFamily
{
    public override string Architecture => "ernie4_5";

    public override IReadOnlyList<string> ModelTypes { get; } = ["ernie4_5"];

    public override double ClassBase => 500_000;

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Ernie4_5ForCausalLM", "ernie4_5");
        config["use_bias"] = source.HasBias("attn_q");
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

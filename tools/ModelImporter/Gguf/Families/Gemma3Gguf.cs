using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>The text model of Gemma 3.</summary>
internal sealed class Gemma3Gguf : GgufFamily
{
    public override string Architecture => "gemma3";

    public override IReadOnlyList<string> ModelTypes { get; } = ["gemma3_text"];

    private const long LargestLayers = 62;

    public override IReadOnlyDictionary<string, string> Modules => Gemma2Gguf.Sandwich;

    public override IReadOnlyCollection<string> Honoured { get; } = ["attention.sliding_window", "final_logit_softcapping"];

    public override IReadOnlyList<string> Notes { get; } = [Gemma2Gguf.ScaleNote];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Gemma3ForCausalLM", "gemma3_text");
        Gemma2Gguf.SetScale(source, config, LargestLayers);
        source.SetWindows(config, (int)source.Keys.Size("block_count"));
        config["final_logit_softcapping"] = source.Keys.Positive("final_logit_softcapping");
        config["rope_theta"] = source.Keys.Number("rope.freq_base", 1_000_000);
        config["rope_local_base_freq"] = source.Keys.Number("rope.freq_base_swa", 10_000);
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

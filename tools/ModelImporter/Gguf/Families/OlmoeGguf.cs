using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>OLMoE.</summary>
internal sealed class OlmoeGguf : GgufFamily
{
    public override string Architecture => "olmoe";

    public override IReadOnlyList<string> ModelTypes { get; } = ["olmoe"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(GgufExperts.Modules("mlp.gate", "mlp.experts"));

    public override IReadOnlyCollection<string> Honoured { get; } = [.. GgufExperts.Keys, "attention.clamp_kqv"];

    public override IReadOnlyList<string> Notes { get; } =
    [
        "llama.cpp's converter writes no clip_qkv into files of this architecture: nothing is cut off where the file has no clamp_kqv.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "OlmoeForCausalLM", "olmoe");
        GgufExperts.Set(source, config, "num_experts", "intermediate_size");
        // As llama.cpp has it; the published models do not.
        config["norm_topk_prob"] = false;
        config["clip_qkv"] = source.Keys.Positive("attention.clamp_kqv");
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

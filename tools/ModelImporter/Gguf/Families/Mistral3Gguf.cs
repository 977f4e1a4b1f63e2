using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Mistral Small 3 and Ministral 3, whose queries grow with their position.</summary>
internal sealed class Mistral3Gguf : GgufFamily
{
    public override string Architecture => "mistral3";

    public override IReadOnlyList<string> ModelTypes { get; } = ["mistral", "ministral3"];

    public override bool IsPermuted => true;

    public override IReadOnlyCollection<string> Honoured { get; } = ["rope.scaling.attn_factor"];

    public override IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say that mscale and mscale_all_dim of its positions differ; they are taken as equal.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        var beta = source.Keys.Positive("attention.temperature_scale");
        if (beta is null)
            GgufSource.SetType(config, "MistralForCausalLM", "mistral");
        else
            GgufSource.SetType(config, "Ministral3ForCausalLM", "ministral3");
        config["sliding_window"] = null;
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
        if (beta is { } number && config["rope_scaling"] is JsonObject positions)
            positions["llama_4_scaling_beta"] = number;
        else if (beta is not null)
            throw source.Keys.NeedsConfig("attention.temperature_scale is there without scaled positions");
    }
}

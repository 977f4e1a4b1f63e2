using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Granite 3 with experts, with or without an MLP that every token goes through.</summary>
internal sealed class GraniteMoeGguf : GgufFamily
{
    private const string SharedWidth = "expert_shared_feed_forward_length";

    public override string Architecture => "granitemoe";

    public override IReadOnlyList<string> ModelTypes { get; } = ["granitemoe", "granitemoeshared"];

    public override bool IsPermuted => true;

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With([.. GgufExperts.Modules("block_sparse_moe.router.layer", "block_sparse_moe.experts"),
            ("ffn_gate_shexp", "shared_mlp.gate_proj"), ("ffn_up_shexp", "shared_mlp.up_proj"),
            ("ffn_down_shexp", "shared_mlp.output_linear")]);

    public override IReadOnlyCollection<string> Honoured { get; } =
        [.. GgufExperts.Keys, "attention.scale", "embedding_scale", "residual_scale", "logit_scale"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GraniteGguf.SetFactors(source, config);
        if (source.Keys.Count(SharedWidth) is { } width)
        {
            GgufSource.SetType(config, "GraniteMoeSharedForCausalLM", "granitemoeshared");
            config["shared_intermediate_size"] = width;
        }
        else
        {
            GgufSource.SetType(config, "GraniteMoeForCausalLM", "granitemoe");
        }

        GgufExperts.Set(source, config, "num_local_experts", "intermediate_size");
    }
}

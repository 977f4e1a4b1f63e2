using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Granite 3 with experts, with or without an MLP that every token goes through.</summary>
internal sealed class GraniteMoeGguf : GgufFamily
{
    private const string SharedGate = "blk.0.ffn_gate_shexp.weight";

    public override string Architecture => "granitemoe";

    public override IReadOnlyList<string> ModelTypes { get; } = ["granitemoe"];

    public override bool IsPermuted => true;

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With(GgufExperts.Modules("block_sparse_moe.router.layer", "block_sparse_moe.experts"));

    public override IReadOnlyCollection<string> Honoured { get; } =
        [.. GgufExperts.Keys, "attention.scale", "embedding_scale", "residual_scale", "logit_scale"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        if (source.Tensors.Contains(SharedGate))
            throw source.Keys.Fault($"tensor {SharedGate} is of granitemoeshared, whose halves no GGUF file is read of.");
        GraniteGguf.SetFactors(source, config);
        GgufSource.SetType(config, "GraniteMoeForCausalLM", "granitemoe");
        GgufExperts.Set(source, config, "num_local_experts", "intermediate_size");
    }
}

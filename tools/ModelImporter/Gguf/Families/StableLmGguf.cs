using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>StableLM.</summary>
internal sealed class StableLmGguf : GgufFamily
{
    private const string Parallel = "use_parallel_residual";
    private const string Turning = "rope.dimension_count";

    public override string Architecture => "stablelm";

    public override IReadOnlyList<string> ModelTypes { get; } = ["stablelm"];

    public override (string Key, string? Field) Epsilon => (LayerNormKey, "layer_norm_eps");

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With(("attn_q_norm", "self_attn.q_layernorm"), ("attn_k_norm", "self_attn.k_layernorm"));

    public override IReadOnlyCollection<string> Honoured { get; } = [Parallel, Turning];

    public override IReadOnlyList<string> Notes { get; } =
    [
        "llama.cpp's converter writes no base of the frequencies into files of this architecture: it is 10,000 where the file has none.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "StableLmForCausalLM", "stablelm");
        config["use_qkv_bias"] = source.HasBias("attn_q");
        config["qk_layernorm"] = source.Tensors.Contains("blk.0.attn_q_norm.weight");
        // Without a norm of its own the MLP can only stand beside attention.
        config[Parallel] = source.Keys.Value(Parallel) is bool isParallel
            ? isParallel : !source.Tensors.Contains("blk.0.ffn_norm.weight");
        config["partial_rotary_factor"] = (double)source.Keys.Size(Turning, source.HeadSize) / source.HeadSize;
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

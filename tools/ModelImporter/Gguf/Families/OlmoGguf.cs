using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>OLMo: norms without weights, whose epsilon is the class's own.</summary>
internal sealed class OlmoGguf : GgufFamily
{
    private const float ClassEpsilon = 1e-5f;

    public override string Architecture => "olmo";

    public override IReadOnlyList<string> ModelTypes { get; } = ["olmo"];

    public override (string Key, string? Field) Epsilon => (LayerNormKey, null);

    public override bool IsPermuted => true;

    public override IReadOnlyCollection<string> Honoured { get; } = ["attention.clamp_kqv"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "OlmoForCausalLM", "olmo");
        if ((float)source.Keys.Number(LayerNormKey, ClassEpsilon) != ClassEpsilon)
        {
            throw source.Keys.Fault(
                $"{Architecture}.{LayerNormKey} is {source.Keys.Value(LayerNormKey)}; supported: 1e-5, the class's own.");
        }

        // The converter puts the rows of weights into another order, and leaves those of biases.
        if (source.HasBias("attn_q"))
            throw source.Keys.Fault("tensor blk.0.attn_q.bias is of a model that llama.cpp's own class is not.");
        config["attention_bias"] = false;
        config["clip_qkv"] = source.Keys.Positive("attention.clamp_kqv");
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

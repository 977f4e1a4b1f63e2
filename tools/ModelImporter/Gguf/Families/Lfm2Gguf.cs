using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>LFM2: layers without heads of keys are convolutions.</summary>
internal sealed class Lfm2Gguf : GgufFamily
{
    private const string KeyValueHeads = "attention.head_count_kv";

    /// <summary>Modules of a layer, those of files with experts as well.</summary>
    public static IReadOnlyDictionary<string, string> OwnModules { get; } = With(
        ("attn_norm", "operator_norm"), ("attn_q_norm", "self_attn.q_layernorm"), ("attn_k_norm", "self_attn.k_layernorm"),
        ("attn_output", "self_attn.out_proj"), ("ffn_norm", "ffn_norm"), ("ffn_gate", "feed_forward.w1"), ("ffn_up", "feed_forward.w3"),
        ("ffn_down", "feed_forward.w2"), ("shortconv.in_proj", "conv.in_proj"), ("shortconv.out_proj", "conv.out_proj"),
        ("shortconv.conv", "conv.conv"));

    public override string Architecture => "lfm2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["lfm2"];

    public override (string Key, string? Field) Epsilon => ("attention.layer_norm_rms_epsilon", "norm_eps");

    public override double ClassBase => 1_000_000;

    public override IReadOnlyDictionary<string, string> Modules => OwnModules;

    public override long? Size(GgufKeys keys, string field) => SizeOf(keys, field);

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Lfm2ForCausalLM", "lfm2");
        // The width that the file states is that of the matrices.
        config["block_auto_adjust_ff_dim"] = false;
        SetLayers(source, config);
    }

    /// <summary>Heads of the layers that have keys.</summary>
    public static long? SizeOf(GgufKeys keys, string field) =>
        field == "num_key_value_heads" ? keys.SizeOfAll(KeyValueHeads, keys.Size("attention.head_count")) : null;

    /// <summary>Sets convolutions, the types of the layers and positions.</summary>
    public static void SetLayers(GgufSource source, JsonObject config)
    {
        config["conv_L_cache"] = source.Keys.Size("shortconv.l_cache");
        config["conv_bias"] = source.Tensors.Any(name => name.EndsWith("shortconv.in_proj.bias", StringComparison.Ordinal));
        var layers = (int)source.Keys.Size("block_count");
        if (source.Keys.Flags(KeyValueHeads) is not { } attends || attends.Count < layers)
        {
            throw source.Keys.Fault(
                $"{source.Keys.Architecture}.{KeyValueHeads} is no list of a number for each of the {layers} layers.");
        }

        config["layer_types"] = new JsonArray(
            [.. attends.Take(layers).Select(attention => (JsonNode)(attention ? "full_attention" : "conv"))]);
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}

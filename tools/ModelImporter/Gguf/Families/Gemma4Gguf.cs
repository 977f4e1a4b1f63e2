using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>The text model of Gemma 4: the plain keys are those of full layers, and sliding ones have keys of their own.</summary>
internal sealed class Gemma4Gguf : GgufFamily
{
    private const string Shared = "attention.shared_kv_layers";
    private const string KeyValueHeads = "attention.head_count_kv";
    private const string Widths = "feed_forward_length";

    /// <summary>Pairs that do not turn are divided by that in the file.</summary>
    private const float Still = 1e30f;

    public override string Architecture => "gemma4";

    public override IReadOnlyList<string> ModelTypes { get; } = ["gemma4_text"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = new Dictionary<string, string>(
        [
            .. Gemma2Gguf.Sandwich, .. Own(("inp_gate", "per_layer_input_gate"), ("proj", "per_layer_projection"),
                ("post_norm", "post_per_layer_input_norm"), ("layer_output_scale", "layer_scalar"), ("ffn_gate_inp", "router.proj"),
                ("ffn_gate_inp.scale", "router.scale"), ("ffn_down_exps.scale", "router.per_expert_scale"),
                ("ffn_gate_up_exps", "experts.gate_up_exps"), ("ffn_gate_exps", "experts.gate_exps"), ("ffn_up_exps", "experts.up_exps"),
                ("ffn_down_exps", "experts.down_exps"), ("pre_ffw_norm_2", "pre_feedforward_layernorm_2"),
                ("post_ffw_norm_1", "post_feedforward_layernorm_1"), ("post_ffw_norm_2", "post_feedforward_layernorm_2")),
        ], StringComparer.Ordinal);

    public override IReadOnlyCollection<string> Honoured { get; } =
        [.. GgufExperts.Keys, "attention.sliding_window", "final_logit_softcapping"];

    public override bool ReadsFactors => true;

    public override long? Size(GgufKeys keys, string field) => field switch
    {
        "head_dim" => keys.Size("attention.key_length_swa", keys.Count("attention.key_length")),
        "intermediate_size" => keys.Sizes(Widths) is { } widths ? widths.Min() : null,
        "num_key_value_heads" => OfLayer(keys, KeyValueHeads, slides: true),
        _ => null,
    };

    public override void Complete(GgufSource source, JsonObject config)
    {
        var keys = source.Keys;
        var layers = (int)keys.Size("block_count");
        GgufSource.SetType(config, "Gemma4ForCausalLM", "gemma4_text");
        source.SetWindows(config, layers);
        var shared = (int)(keys.Count(Shared) ?? 0);
        config["num_kv_shared_layers"] = shared;
        config["use_double_wide_mlp"] = IsDouble(keys, layers - shared);
        config["final_logit_softcapping"] = keys.Positive("final_logit_softcapping");
        config["hidden_size_per_layer_input"] = keys.Count("embedding_length_per_layer_input") ?? 0;
        config["vocab_size_per_layer_input"] = config["vocab_size"]!.DeepClone();
        config["attention_bias"] = source.HasBias("attn_q");
        SetHeads(source, config, layers - shared);
        SetPositions(source, config);
        if (keys.Count("expert_count") is null)
            return;
        config["enable_moe_block"] = true;
        config["num_experts"] = keys.Size("expert_count");
        config["top_k_experts"] = keys.Size("expert_used_count");
        config["moe_intermediate_size"] = keys.Size("expert_feed_forward_length");
    }

    /// <summary>Heads of full layers, and whether these have values of their own.</summary>
    private static void SetHeads(GgufSource source, JsonObject config, int own)
    {
        var full = new JsonObject
        {
            ["head_dim"] = source.HeadSize,
            ["num_key_value_heads"] = OfLayer(source.Keys, KeyValueHeads, slides: false)
                ?? source.Keys.Size(KeyValueHeads, source.Keys.Count("attention.head_count")),
        };
        var layers = new JsonObject();
        foreach (var layer in Layers(source.Keys, slides: false))
            layers[$"{layer}"] = full.DeepClone();
        config["per_layer_config"] = layers;
        config["attention_k_eq_v"] = Layers(source.Keys, slides: false)
            .Any(layer => layer < own && !source.Tensors.Contains($"blk.{layer}.attn_v.weight"));
    }

    /// <summary>Of full layers the pairs that turn come first.</summary>
    private static void SetPositions(GgufSource source, JsonObject config)
    {
        if (source.Scaling() is not null)
            throw source.Keys.NeedsConfig("positions are scaled");
        var half = source.HeadSize / 2;
        var factors = source.Factors.Always ?? [.. Enumerable.Repeat(1f, half)];
        var turning = factors.TakeWhile(factor => factor == 1).Count();
        if (factors.Length != half || turning == 0 || factors.Skip(turning).Any(factor => factor != Still))
        {
            throw source.Keys.Fault(
                $"tensor {GgufNames.RotaryFactors} is not {half} numbers, 1 for pairs that turn and 1e30 for those behind them.");
        }

        config["rope_parameters"] = new JsonObject
        {
            ["full_attention"] = new JsonObject
            {
                ["rope_type"] = "proportional",
                ["partial_rotary_factor"] = (double)turning / half,
                ["rope_theta"] = source.Keys.Number("rope.freq_base", 1_000_000),
            },
            ["sliding_attention"] = new JsonObject
            {
                ["rope_type"] = "default",
                ["rope_theta"] = source.Keys.Number("rope.freq_base_swa", 10_000),
            },
        };
    }

    /// <summary>Whether layers without keys of their own have MLPs of twice the width.</summary>
    private static bool IsDouble(GgufKeys keys, int own)
    {
        if (keys.Sizes(Widths) is not { } widths)
            return false;
        var least = widths.Min();
        var isDouble = widths.Any(width => width != least);
        return widths.Index().All(width => width.Item == (isDouble && width.Index >= own ? 2 * least : least)) ? isDouble
            : throw keys.Fault(
                $"{keys.Architecture}.{Widths} has other widths than one, and twice it in layers without keys of their own.");
    }

    /// <summary>A number that is the same for all sliding layers, and for all others; null where the file has no list.</summary>
    private static long? OfLayer(GgufKeys keys, string key, bool slides)
    {
        if (keys.Sizes(key) is not { } sizes)
            return null;
        var found = Layers(keys, slides).Where(layer => layer < sizes.Count).Select(layer => sizes[layer]).Distinct().ToList();
        return found.Count == 1 ? found[0]
            : found.Count == 0 ? sizes[0] : throw keys.Fault($"{keys.Architecture}.{key} differs among layers of one kind.");
    }

    private static IEnumerable<int> Layers(GgufKeys keys, bool slides)
    {
        var pattern = keys.Flags("attention.sliding_window_pattern");
        var layers = (int)keys.Size("block_count");
        return Enumerable.Range(0, layers).Where(layer =>
            (layer < layers - 1 && (pattern is null ? (layer + 1) % 6 != 0 : layer < pattern.Count && pattern[layer])) == slides);
    }

    private static IEnumerable<KeyValuePair<string, string>> Own(params IReadOnlyList<(string Module, string Name)> modules) =>
        modules.Select(module => KeyValuePair.Create(module.Module, module.Name));
}

using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>What llama.cpp's converter does with a family.</summary>
/// <param name="Architecture"><c>general.architecture</c>.</param>
internal sealed record ConvertedFamily(string Architecture)
{
    private static readonly (string HuggingFace, string Gguf)[] Plain =
    [
        ("input_layernorm", "attn_norm"), ("attention_layernorm", "attn_norm"), ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"), ("self_attn.q_layernorm", "attn_q_norm"),
        ("self_attn.k_layernorm", "attn_k_norm"), ("self_attn.query_layernorm", "attn_q_norm"), ("self_attn.key_layernorm", "attn_k_norm"),
        ("post_attention_layernorm", "ffn_norm"), ("feedforward_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"), ("mlp.c_fc", "ffn_up"), ("mlp.c_proj", "ffn_down"),
        ("mlp.gate", "ffn_gate_inp"), ("block_sparse_moe.router.layer", "ffn_gate_inp"), ("mlp.experts.gate_proj", "ffn_gate_exps"),
        ("mlp.experts.up_proj", "ffn_up_exps"), ("mlp.experts.down_proj", "ffn_down_exps"),
        ("block_sparse_moe.experts.gate_proj", "ffn_gate_exps"), ("block_sparse_moe.experts.up_proj", "ffn_up_exps"),
        ("block_sparse_moe.experts.down_proj", "ffn_down_exps"), ("shared_mlp.gate", "ffn_gate_shexp"), ("shared_mlp.up", "ffn_up_shexp"),
        ("shared_mlp.output_linear", "ffn_down_shexp"), ("mlp.shared_experts.gate_proj", "ffn_gate_shexp"),
        ("mlp.shared_experts.up_proj", "ffn_up_shexp"), ("mlp.shared_experts.down_proj", "ffn_down_shexp"),
        ("eh_proj", "nextn.eh_proj"), ("enorm", "nextn.enorm"), ("hnorm", "nextn.hnorm"), ("shared_head.norm", "nextn.shared_head_norm"),
    ];

    private static readonly (string HuggingFace, string Gguf)[] Whole =
    [
        ("model.embed_tokens.weight", "token_embd.weight"), ("model.norm.weight", "output_norm.weight"),
        ("model.norm.bias", "output_norm.bias"), ("lm_head.weight", "output.weight"),
        ("model.embedding_norm.weight", "token_embd_norm.weight"),
    ];

    /// <summary>Rows of queries and keys change their order.</summary>
    public bool IsPermuted { get; init; }

    /// <summary>The expansion of latents is split, and its half of the keys transposed.</summary>
    public bool IsLatent { get; init; }

    /// <summary>Norms are stored as sums.</summary>
    public bool AddsOne { get; init; }

    /// <summary>Names of its own.</summary>
    public (string HuggingFace, string Gguf)[] Own { get; init; } = [];

    /// <summary>Keys of whole numbers beside those of all, with their fields.</summary>
    public (string Key, string Field)[] Wholes { get; init; } = [];

    /// <summary>Keys of other numbers.</summary>
    public (string Key, string Field)[] Reals { get; init; } = [];

    /// <summary>Keys that are computed.</summary>
    public Func<JsonObject, int, IEnumerable<(string Key, object Value)>> Fixed { get; init; } = (_, _) => [];

    /// <summary>By its <c>model_type</c>.</summary>
    public static ConvertedFamily Of(string modelType) => modelType switch
    {
        "cohere" => new("command-r") { Reals = [("logit_scale", "logit_scale")], Fixed = (_, _) => [("rope.scaling.type", "none")] },
        "cohere2" => new("cohere2")
        {
            Wholes = [("attention.sliding_window", "sliding_window"), ("vocab_size", "vocab_size")],
            Reals = [("logit_scale", "logit_scale")],
            Fixed = (_, size) => [("rope.dimension_count", (uint)size), ("rope.scaling.type", "none")],
        },
        "ernie4_5" => new("ernie4_5"),
        "hunyuan_v1_dense" => new("hunyuan-dense") { Fixed = Stretched },
        "arcee" => new("arcee") { IsPermuted = true, Fixed = (config, size) => [("rope.dimension_count", (uint)size), .. Yarn(config)] },
        "apertus" => new("apertus")
        {
            Fixed = (config, size) =>
            [
                ("rope.dimension_count", (uint)size),
                ("rope.freq_base", (float)config["rope_parameters"]!["rope_theta"]!.GetValue<double>()),
            ],
        },
        "stablelm" => new("stablelm")
        {
            Fixed = (config, size) =>
            [
                ("use_parallel_residual", config["use_parallel_residual"]?.GetValue<bool>() ?? true),
                ("rope.dimension_count", (uint)(Partial(config) * size)),
            ],
        },
        "starcoder2" => new("starcoder2"),
        "nemotron" => new("nemotron")
        {
            AddsOne = true,
            Reals = [("attention.layer_norm_rms_epsilon", "norm_eps"), ("attention.layer_norm_epsilon", "norm_eps")],
            Fixed = (config, size) => [("rope.dimension_count", (uint)(Partial(config) * size)), ("rope.scaling.type", "none")],
        },
        "jais2" => new("jais2") { Fixed = (_, size) => [("rope.dimension_count", (uint)size)] },
        "olmo" => new("olmo")
        {
            IsPermuted = true,
            Reals = [("attention.clamp_kqv", "clip_qkv")],
            Fixed = (_, _) => [("attention.layer_norm_epsilon", 1e-5f)],
        },
        "olmoe" => new("olmoe") { Fixed = (_, _) => [("attention.layer_norm_rms_epsilon", 1e-5f)] },
        "granitemoeshared" => new("granitemoe")
        {
            IsPermuted = true,
            Wholes = [("expert_shared_feed_forward_length", "shared_intermediate_size")],
            Reals =
            [
                ("attention.scale", "attention_multiplier"), ("embedding_scale", "embedding_multiplier"),
                ("residual_scale", "residual_multiplier"), ("logit_scale", "logits_scaling"),
            ],
            Fixed = (_, size) => [("rope.dimension_count", (uint)size)],
        },
        "glm4_moe" => new("glm4moe")
        {
            Own = [("post_attention_layernorm", "post_attention_norm"), ("mlp.gate.e_score_correction", "exp_probs_b")],
            Wholes =
            [
                ("expert_feed_forward_length", "moe_intermediate_size"), ("expert_shared_count", "n_shared_experts"),
                ("leading_dense_block_count", "first_k_dense_replace"), ("nextn_predict_layers", "num_nextn_predict_layers"),
            ],
            Reals = [("expert_weights_scale", "routed_scaling_factor")],
            Fixed = (config, size) =>
            [
                ("rope.dimension_count", (uint)(Partial(config) * size)), ("expert_gating_func", 2u),
                ("expert_weights_norm", config["norm_topk_prob"]!.GetValue<bool>()),
                ("block_count", (uint)(config["num_hidden_layers"]!.GetValue<int>()
                    + (config["num_nextn_predict_layers"]?.GetValue<int>() ?? 0))),
            ],
        },
        "qwen3_5_text" => Delta("qwen35"),
        "qwen3_5_moe_text" => Delta("qwen35moe"),
        "qwen3_next" => Delta("qwen3next"),
        "granitemoehybrid" => new("granitehybrid")
        {
            IsPermuted = true,
            Own =
            [
                ("shared_mlp.gate", "ffn_gate"), ("shared_mlp.up", "ffn_up"), ("shared_mlp.output_linear", "ffn_down"),
            ],
            Wholes =
            [
                ("expert_shared_feed_forward_length", "shared_intermediate_size"), ("ssm.conv_kernel", "mamba_d_conv"),
                ("ssm.state_size", "mamba_d_state"), ("ssm.group_count", "mamba_n_groups"), ("ssm.time_step_rank", "mamba_n_heads"),
            ],
            Reals =
            [
                ("attention.scale", "attention_multiplier"), ("embedding_scale", "embedding_multiplier"),
                ("residual_scale", "residual_multiplier"), ("logit_scale", "logits_scaling"),
            ],
            Fixed = Hybrid,
        },
        "lfm2_moe" => new("lfm2moe")
        {
            Own =
            [
                ("operator_norm", "attn_norm"), ("ffn_norm", "ffn_norm"), ("self_attn.out_proj", "attn_output"),
                ("feed_forward.w1", "ffn_gate"), ("feed_forward.w3", "ffn_up"), ("feed_forward.w2", "ffn_down"),
                ("feed_forward.gate", "ffn_gate_inp"), ("feed_forward.expert", "exp_probs_b"),
                ("feed_forward.experts.w1", "ffn_gate_exps"), ("feed_forward.experts.w3", "ffn_up_exps"),
                ("feed_forward.experts.w2", "ffn_down_exps"), ("conv.conv", "shortconv.conv"), ("conv.in_proj", "shortconv.in_proj"),
                ("conv.out_proj", "shortconv.out_proj"),
            ],
            Wholes =
            [
                ("expert_feed_forward_length", "moe_intermediate_size"), ("leading_dense_block_count", "num_dense_layers"),
                ("shortconv.l_cache", "conv_L_cache"), ("vocab_size", "vocab_size"),
            ],
            Reals = [("attention.layer_norm_rms_epsilon", "norm_eps")],
            Fixed = (config, _) =>
            [
                ("attention.head_count_kv", config["layer_types"]!.AsArray().Select(type => type!.GetValue<string>() == "conv"
                    ? 0 : config["num_key_value_heads"]!.GetValue<int>()).ToArray()),
                ("expert_gating_func", 2u),
            ],
        },
        "gemma4_text" => new("gemma4")
        {
            Own =
            [
                ("post_attention_layernorm", "post_attention_norm"), ("pre_feedforward_layernorm", "ffn_norm"),
                ("post_feedforward_layernorm", "post_ffw_norm"), ("post_feedforward_layernorm_1", "post_ffw_norm_1"),
                ("post_feedforward_layernorm_2", "post_ffw_norm_2"), ("pre_feedforward_layernorm_2", "pre_ffw_norm_2"),
                ("layer_scalar", "layer_output_scale"), ("per_layer_input_gate", "inp_gate"), ("per_layer_projection", "proj"),
                ("post_per_layer_input_norm", "post_norm"), ("router.proj", "ffn_gate_inp"), ("router", "ffn_gate_inp"),
                ("experts", "ffn_down_exps"), ("experts.gate_proj", "ffn_gate_exps"), ("experts.up_proj", "ffn_up_exps"),
                ("experts.down_proj", "ffn_down_exps"),
            ],
            Wholes =
            [
                ("attention.sliding_window", "sliding_window"), ("attention.shared_kv_layers", "num_kv_shared_layers"),
                ("embedding_length_per_layer_input", "hidden_size_per_layer_input"), ("attention.key_length", "global_head_dim"),
                ("attention.value_length", "global_head_dim"), ("attention.key_length_swa", "head_dim"),
                ("attention.value_length_swa", "head_dim"), ("rope.dimension_count", "global_head_dim"),
                ("expert_feed_forward_length", "moe_intermediate_size"), ("expert_used_count", "top_k_experts"),
            ],
            Reals = [("final_logit_softcapping", "final_logit_softcapping")],
            Fixed = Gemma4,
        },
        "deepseek_v2" or "deepseek_v3" or "glm4_moe_lite" => new("deepseek2")
        {
            IsLatent = true,
            Own =
            [
                ("self_attn.q_a_proj", "attn_q_a"), ("self_attn.q_b_proj", "attn_q_b"), ("self_attn.q_a_layernorm", "attn_q_a_norm"),
                ("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"), ("self_attn.kv_a_layernorm", "attn_kv_a_norm"),
                ("self_attn.k_b_proj", "attn_k_b"), ("self_attn.v_b_proj", "attn_v_b"), ("self_attn.kv_b_proj", "attn_kv_b"),
                ("mlp.gate.e_score_correction", "exp_probs_b"),
            ],
            Wholes =
            [
                ("expert_feed_forward_length", "moe_intermediate_size"), ("expert_shared_count", "n_shared_experts"),
                ("leading_dense_block_count", "first_k_dense_replace"), ("attention.q_lora_rank", "q_lora_rank"),
                ("attention.kv_lora_rank", "kv_lora_rank"), ("rope.dimension_count", "qk_rope_head_dim"), ("vocab_size", "vocab_size"),
            ],
            Reals = [("expert_weights_scale", "routed_scaling_factor")],
            Fixed = Latent,
        },
        _ => throw new ArgumentException(modelType),
    };

    private static IEnumerable<(string Key, object Value)> Gemma4(JsonObject config, int size)
    {
        var layers = config["num_hidden_layers"]!.GetValue<int>();
        var types = config["layer_types"]!.AsArray().Select(type => type!.GetValue<string>() == "sliding_attention").ToArray();
        yield return ("attention.sliding_window_pattern", types.Select(slides => slides ? 1 : 0).ToArray());
        yield return ("rope.freq_base", 1e6f);
        yield return ("rope.freq_base_swa", 1e4f);
        var (width, shared) = (config["intermediate_size"]!.GetValue<int>(), config["num_kv_shared_layers"]?.GetValue<int>() ?? 0);
        if (config["use_double_wide_mlp"]?.GetValue<bool>() == true)
        {
            yield return ("feed_forward_length",
                Enumerable.Range(0, layers).Select(l => l < layers - shared ? width : 2 * width).ToArray());
        }

        if (config["num_global_key_value_heads"]?.GetValue<int>() is { } heads)
        {
            var own = config["num_key_value_heads"]!.GetValue<int>();
            yield return ("attention.head_count_kv", types.Select(slides => slides ? own : heads).ToArray());
        }
    }

    /// <summary>Name of a tensor.</summary>
    public string NameOf(string name)
    {
        if (name.StartsWith("blk.", StringComparison.Ordinal))
            return name;
        if (Whole.FirstOrDefault(entry => entry.HuggingFace == name).Gguf is { } whole)
            return whole;
        if (name == "model.embed_tokens_per_layer.weight" || name.StartsWith("model.per_layer", StringComparison.Ordinal))
        {
            return name.Replace("model.embed_tokens_per_layer", "per_layer_token_embd", StringComparison.Ordinal)
                .Replace("model.per_layer_model_projection", "per_layer_model_proj", StringComparison.Ordinal)
                .Replace("model.per_layer_projection_norm", "per_layer_proj_norm", StringComparison.Ordinal);
        }

        // Two have no kind, and are the scales of others.
        name = name.Replace("layer_scalar", "layer_scalar.weight", StringComparison.Ordinal)
            .Replace("router.per_expert_scale", "experts.scale", StringComparison.Ordinal);
        // The correction is a tensor whose name has no dot before its kind.
        var parts = name.Replace("correction_bias", "correction.bias", StringComparison.Ordinal)
            .Replace("expert_bias", "expert.bias", StringComparison.Ordinal).Split('.', 4);
        var (module, kind) = (parts[3][..parts[3].LastIndexOf('.')], parts[3][(parts[3].LastIndexOf('.') + 1)..]);
        return $"blk.{parts[2]}.{Own.Concat(Plain).First(entry => entry.HuggingFace == module).Gguf}.{kind}";
    }

    /// <summary>llama3's scaling as the factor of each pair; null for none.</summary>
    public float[]? RotaryFactors(JsonObject config, int headSize)
    {
        if (Architecture == "gemma4")
        {
            var size = config["global_head_dim"]!.GetValue<int>();
            return [.. Enumerable.Range(0, size / 2).Select(pair => pair < size / 8 ? 1 : 1e30f)];
        }

        if (config["rope_parameters"] is not JsonObject rope || rope["rope_type"]?.GetValue<string>() != "llama3")
            return null;
        var (factor, low, high) = (Number("factor"), Number("low_freq_factor"), Number("high_freq_factor"));
        var (theta, original) = (Number("rope_theta"), config["original_max_position_embeddings"]?.GetValue<int>() ?? 8192);
        return [.. Enumerable.Range(0, headSize / 2).Select(pair =>
        {
            var wavelength = 2 * Math.PI * Math.Pow(theta, 2.0 * pair / headSize);
            var smooth = ((original / wavelength) - low) / (high - low);
            return (float)(wavelength < original / high ? 1 : wavelength > original / low ? factor
                : 1 / (((1 - smooth) / factor) + smooth));
        })];

        double Number(string field) => rope[field]!.GetValue<double>();
    }

    private static ConvertedFamily Delta(string architecture) => new(architecture)
    {
        AddsOne = true,
        Own =
        [
            ("post_attention_layernorm", "post_attention_norm"), ("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
            ("mlp.shared_expert.up_proj", "ffn_up_shexp"), ("mlp.shared_expert.down_proj", "ffn_down_shexp"),
        ],
        Wholes =
        [
            ("expert_feed_forward_length", "moe_intermediate_size"),
            ("expert_shared_feed_forward_length", "shared_expert_intermediate_size"), ("ssm.conv_kernel", "linear_conv_kernel_dim"),
            ("ssm.state_size", "linear_key_head_dim"), ("ssm.group_count", "linear_num_key_heads"),
            ("ssm.time_step_rank", "linear_num_value_heads"), ("full_attention_interval", "full_attention_interval"),
            ("nextn_predict_layers", "mtp_num_hidden_layers"),
        ],
        Fixed = (config, size) =>
        [
            ("ssm.inner_size",
                (uint)(config["linear_value_head_dim"]!.GetValue<int>() * config["linear_num_value_heads"]!.GetValue<int>())),
            ("rope.dimension_count", (uint)(size / 4)),
            ("block_count", (uint)(config["num_hidden_layers"]!.GetValue<int>()
                + (config["mtp_num_hidden_layers"]?.GetValue<int>() ?? 0))),
        ],
    };

    /// <summary>Granite 4: keys of layers that have some, and whether positions count.</summary>
    private static IEnumerable<(string Key, object Value)> Hybrid(JsonObject config, int headSize)
    {
        var heads = config["num_key_value_heads"]!.GetValue<int>();
        int[] keyHeads = [.. config["layer_types"]!.AsArray().Select(type => type!.GetValue<string>() == "mamba" ? 0 : heads)];
        yield return ("attention.head_count_kv", keyHeads);
        yield return ("ssm.inner_size", (uint)(config["mamba_expand"]!.GetValue<int>() * config["hidden_size"]!.GetValue<int>()));
        yield return ("rope.dimension_count", (uint)headSize);
        yield return ("rope.scaling.finetuned", false);
        yield return ("context_length", 1u << 20);
        if (config["num_local_experts"]!.GetValue<int>() == 0)
            yield return ("feed_forward_length", (uint)config["shared_intermediate_size"]!.GetValue<int>());
    }

    private static double Partial(JsonObject config) => config["partial_rotary_factor"]?.GetValue<double>() ?? 0.5;

    private static IEnumerable<(string Key, object Value)> Yarn(JsonObject config)
    {
        if (config["rope_scaling"] is not JsonObject rope)
            return [];
        return
        [
            ("rope.scaling.type", "yarn"), ("rope.scaling.factor", (float)rope["factor"]!.GetValue<double>()),
            ("rope.scaling.original_context_length", (uint)rope["original_max_position_embeddings"]!.GetValue<int>()),
        ];
    }

    private static IEnumerable<(string Key, object Value)> Latent(JsonObject config, int headSize)
    {
        uint Size(string field) => (uint)config[field]!.GetValue<int>();
        var query = Size("qk_nope_head_dim") + Size("qk_rope_head_dim");
        // Before the expansion was split, the sizes were those of the heads.
        if (config["unsplit"] is not null)
        {
            yield return ("attention.key_length", query);
            yield return ("attention.value_length", Size("v_head_dim"));
        }
        else
        {
            yield return ("attention.head_count_kv", 1u);
            yield return ("attention.key_length", Size("kv_lora_rank") + Size("qk_rope_head_dim"));
            yield return ("attention.value_length", Size("kv_lora_rank"));
            yield return ("attention.key_length_mla", query);
            yield return ("attention.value_length_mla", Size("v_head_dim"));
        }

        if (config["norm_topk_prob"]?.GetValue<bool>() == true)
            yield return ("expert_weights_norm", true);
        if (config["scoring_func"]?.GetValue<string>() is { } scoring)
            yield return ("expert_gating_func", scoring == "sigmoid" ? 2u : 1u);
        foreach (var entry in Yarn(config))
            yield return entry;
        if (config["rope_scaling"]?["mscale_all_dim"]?.GetValue<double>() is { } weight)
            yield return ("rope.scaling.yarn_log_multiplier", (float)(0.1 * weight));
    }

    private static IEnumerable<(string Key, object Value)> Stretched(JsonObject config, int headSize)
    {
        if (config["rope_scaling"]?["alpha"]?.GetValue<double>() is not { } alpha)
            return [];
        var theta = config["rope_theta"]?.GetValue<double>() ?? 10_000;
        return
        [
            ("rope.freq_base", (float)(theta * Math.Pow(alpha, headSize / (headSize - 2.0)))), ("rope.scaling.type", "none"),
            ("rope.scaling.factor", 1f), ("rope.scaling.original_context_length", 262_144u), ("context_length", 262_144u),
        ];
    }
}

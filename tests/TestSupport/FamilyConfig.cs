using System.Text.Json;

namespace Parley.TestSupport;

/// <summary>What transformers' classes make of a <c>config.json</c>, family by family, for <see cref="FamilyForward"/>.</summary>
internal sealed class FamilyConfig
{
    private readonly JsonElement _root;
    private readonly bool _isPart;

    public FamilyConfig(JsonElement root)
    {
        _isPart = root.GetProperty("model_type").GetString() is "gemma3" or "gemma4" or "mistral3" or "qwen3_5" or "qwen3_5_moe";
        _root = _isPart ? root.GetProperty("text_config") : root;
        Type = _root.GetProperty("model_type").GetString()!;
        Hidden = Int("hidden_size");
        Heads = Int("num_attention_heads");
        KeyValueHeads = Find("num_key_value_heads")?.GetInt32() ?? Heads;
        HeadSize = IsLatent ? Count(64, "qk_rope_head_dim") : Find("head_dim")?.GetInt32() ?? Hidden / Heads;
        Layers = Int("num_hidden_layers");
    }

    public JsonElement Root => _root;

    public string Type { get; }

    public int Hidden { get; }

    public int Heads { get; }

    public int KeyValueHeads { get; }

    /// <summary>Width of a head; with latent attention that of what turns.</summary>
    public int HeadSize { get; }

    /// <summary>Keys and values are functions of one latent.</summary>
    public bool IsLatent => Type is "glm4_moe_lite" or "deepseek_v2" or "deepseek_v3";

    public int Layers { get; }

    public int Intermediate => Type == "lfm2" ? ConvolutionWidth() : Int("intermediate_size");

    /// <summary>LFM2 computes the width of its MLP.</summary>
    private int ConvolutionWidth()
    {
        var width = Count(0, "block_ff_dim", "intermediate_size");
        if (!Flag("block_auto_adjust_ff_dim", true))
            return width;
        width = 2 * width / 3;
        if (_root.TryGetProperty("block_ffn_dim_multiplier", out var factor) && factor.ValueKind == JsonValueKind.Null)
            return width;
        var multiple = (int)Number("block_multiple_of", 256);
        return ((int)(Number("block_ffn_dim_multiplier", 1) * width) + multiple - 1) / multiple * multiple;
    }

    /// <summary>Whether a layer is a short convolution.</summary>
    public bool Convolves(int layer) => Find("layer_types") is { } types ? types[layer].GetString() == "conv"
        : Type == "lfm3" ? layer % 4 != 2 && !Slides(layer)
        : Type == "lfm2" && Find("full_attn_idxs") is { } full && full.EnumerateArray().All(index => index.GetInt32() != layer);

    public int Vocabulary => Int("vocab_size");

    public int Context => Int("max_position_embeddings");

    public bool IsLayerNorm => Type is "olmo" or "cohere" or "cohere2" or "stablelm" or "starcoder2" or "nemotron" or "jais2";

    public double NormOffset => Type is "gemma" or "gemma2" or "gemma3_text" or "nemotron"
        or "qwen3_5_text" or "qwen3_5_moe_text" or "qwen3_next" ? 1 : 0;

    /// <summary>Queries have gates of the result beside them.</summary>
    public bool HasOutputGate => Type is "qwen3_5_text" or "qwen3_5_moe_text" or "qwen3_next";

    public double Epsilon => Type switch
    {
        "olmo" => 1e-5,
        "cohere" or "cohere2" or "stablelm" or "jais2" => Number("layer_norm_eps", 1e-5),
        "starcoder2" => Number("norm_epsilon", 1e-5),
        "nemotron" or "lfm2" or "lfm2_moe" or "lfm3" => Number("norm_eps", 1e-5),
        _ => Number("rms_norm_eps", double.NaN),
    };

    public double EmbeddingFactor => Type switch
    {
        "gemma" or "gemma2" or "gemma3_text" => Math.Sqrt(Hidden),
        "granite" or "granitemoe" or "granitemoeshared" or "granitemoehybrid" or "granite_swa" => Number("embedding_multiplier", 1),
        _ => 1,
    };

    public double ResidualFactor => Type is "granite" or "granitemoe" or "granitemoeshared" or "granitemoehybrid" or "granite_swa"
        ? Number("residual_multiplier", 1) : 1;

    public double LogitFactor => Type switch
    {
        "granite" or "granitemoe" or "granitemoeshared" or "granitemoehybrid" or "granite_swa" => 1 / Number("logits_scaling", 1),
        "cohere" or "cohere2" => Number("logit_scale", 0.0625),
        _ => 1,
    };

    public double? LogitSoftcap => Type switch
    {
        "gemma2" => OrNull("final_logit_softcapping", 30),
        "gemma3_text" when !_isPart => OrNull("final_logit_softcapping", null),
        _ => null,
    };

    public double? AttentionSoftcap => Type == "gemma2" ? OrNull("attn_logit_softcapping", 50) : null;

    public double AttentionFactor => Type switch
    {
        "granite" or "granitemoe" or "granitemoeshared" or "granitemoehybrid" or "granite_swa" => Number("attention_multiplier", 1),
        "gemma2" or "gemma3_text" => 1 / Math.Sqrt(Number("query_pre_attn_scalar", 256)),
        _ => 1 / Math.Sqrt(HeadSize),
    };

    public double? Clip => Type is "olmo" or "olmoe" ? OrNull("clip_qkv", null) : null;

    public bool IsParallel => Type is "cohere" or "cohere2" || (Type == "stablelm" && Flag("use_parallel_residual", false));

    public string Activation => Type switch
    {
        "gemma2" or "gemma3_text" => Text("hidden_activation", "gelu_pytorch_tanh"),
        "gemma" => Text("hidden_act", "gelu_pytorch_tanh") is var name && name == "gelu" ? "gelu_pytorch_tanh" : name,
        "starcoder2" => Text("hidden_act", "gelu_pytorch_tanh"),
        "arcee" or "nemotron" or "jais2" => Text("hidden_act", "relu2"),
        "apertus" => Text("hidden_act", "xielu"),
        _ => Text("hidden_act", "silu"),
    };

    public (double Beta, double Original)? QueryBeta => Type == "ministral3"
        ? (Rope!.Value.GetProperty("llama_4_scaling_beta").GetDouble(),
            Rope.Value.GetProperty("original_max_position_embeddings").GetDouble()) : null;

    /// <summary>rope_scaling, else rope_parameters.</summary>
    public JsonElement? Rope => Find("rope_scaling") ?? Find("rope_parameters");

    /// <summary>Norms before and behind attention and MLP.</summary>
    public (string? Before, string? AfterAttention, string? BeforeMlp, string? AfterMlp) Norms => Type switch
    {
        "gemma2" or "gemma3_text" =>
            ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"),
        "olmo2" or "olmo3" or "exaone4" => (null, "post_attention_layernorm", null, "post_feedforward_layernorm"),
        "glm4" => ("input_layernorm", "post_self_attn_layernorm", "post_attention_layernorm", "post_mlp_layernorm"),
        "lfm2" or "lfm2_moe" => ("operator_norm", null, "ffn_norm", null),
        "lfm3" when Flag("use_sandwich_norm", true) => ("operator_norm", "post_operator_norm", "ffn_norm", "post_ffn_norm"),
        "lfm3" => ("operator_norm", null, "ffn_norm", null),
        "apertus" => ("attention_layernorm", null, "feedforward_layernorm", null),
        _ => ("input_layernorm", null, "post_attention_layernorm", null),
    };

    /// <summary>Whether a layer is a sliding one.</summary>
    public bool Slides(int layer)
    {
        if (Type is "mistral" or "ministral3" or "phi3" or "starcoder2" or "mixtral")
            return WindowOf() is not null;
        if (Type == "qwen3_moe")
            return Flag("use_sliding_window", false) && WindowOf() is not null;
        if (Find("layer_types") is { } types)
            return types[layer].GetString() == "sliding_attention";
        return Type switch
        {
            "ministral" => WindowOf() is not null,
            "qwen2" or "qwen3" => Flag("use_sliding_window", false) && WindowOf() is not null && layer >= Number("max_window_layers", 28),
            "gemma2" or "gpt_oss" => layer % 2 == 0,
            "gemma3_text" => (layer + 1) % Number("sliding_window_pattern", 6) != 0,
            "lfm3" => layer % 4 == 0 && layer > 0,
            "olmo3" => (layer + 1) % 4 != 0,
            "granite_swa" => layer % 4 != 0,
            "cohere2" => (layer + 1) % Number("sliding_window_pattern", 4) != 0,
            "exaone4" => WindowOf() is not null && (layer + 1) % Number("sliding_window_pattern", 4) != 0,
            "smollm3" => Flag("use_sliding_window", false) && WindowOf() is not null && !HasRope(layer),
            _ => false,
        };
    }

    public int? Window(int layer) => Slides(layer) ? WindowOf() : null;

    public bool Rotates(int layer) => Type switch
    {
        "cohere2" => Slides(layer),
        "exaone4" => WindowOf() is null || Slides(layer),
        "smollm3" => HasRope(layer),
        "granitemoehybrid" => Text("position_embedding_type", "") == "rope",
        "granite_swa" => LayerBase(layer) != 0,
        _ => true,
    };

    /// <summary>The rotary base of a layer, where each has its own; null where none is given.</summary>
    public double? LayerBase(int layer) => Find("layer_rope_theta")?[layer].GetDouble();

    public bool Flag(string field, bool fallback) => Find(field)?.GetBoolean() ?? fallback;

    /// <summary>The same where null is what Python takes for false.</summary>
    public bool IsTrue(string field, bool missing) =>
        _root.TryGetProperty(field, out var value) ? value.ValueKind == JsonValueKind.True : missing;

    public double Number(string field, double fallback) => Find(field)?.GetDouble() ?? fallback;

    /// <summary>A field that is there and not null.</summary>
    public JsonElement? Find(string field) =>
        _root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private bool HasRope(int layer) => Find("no_rope_layers") is { } layers
        ? layers[layer].GetInt32() != 0 : (layer + 1) % Number("no_rope_layer_interval", 4) != 0;

    private int? WindowOf() => _root.TryGetProperty("sliding_window", out var value)
        ? value.ValueKind == JsonValueKind.Null ? null : value.GetInt32()
        : Type is "phi3" or "starcoder2" or "ministral3" or "smollm3" or "mixtral" ? null
        : Type switch { "gpt_oss" or "granite_swa" => 128, "lfm3" => 256, _ => 4096 };

    private double? OrNull(string field, double? fallback) => _root.TryGetProperty(field, out var value)
        ? value.ValueKind == JsonValueKind.Null ? null : value.GetDouble() : fallback;

    /// <summary>A whole number under the first name that is there.</summary>
    public int Count(int fallback, params string[] fields) =>
        fields.Select(Find).FirstOrDefault(value => value is not null)?.GetInt32() ?? fallback;

    private int Int(string field) => _root.GetProperty(field).GetInt32();

    private string Text(string field, string fallback) => Find(field)?.GetString() ?? fallback;
}

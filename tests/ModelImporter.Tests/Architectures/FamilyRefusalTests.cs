using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Architectures;

/// <summary>What a family is asked for and does not do, or what does not fit, is refused by its field.</summary>
public sealed class FamilyRefusalTests
{
    [Theory]
    [InlineData("mistral", """{"layer_types":["sliding_attention","full_attention"]}""", "layer_types")]
    [InlineData("mistral", """{"sliding_window":0}""", "sliding_window")]
    [InlineData("qwen2", """{"layer_types":["full_attention"]}""", "layer_types is a list of 1; supported: one for each of the 2 layers")]
    [InlineData("qwen2", """{"layer_types":["full_attention","chunked_attention"]}""", "chunked_attention")]
    [InlineData("qwen3", """{"layer_types":["full_attention","sliding_attention"]}""", "sliding_window is not set")]
    [InlineData("phi3", """{"rope_scaling":{"type":"longrope","short_factor":[1],"long_factor":[1]}}""", "rope_scaling.short_factor")]
    [InlineData("phi3", """{"rope_scaling":{"type":"linear","factor":2}}""", "rope_scaling")]
    [InlineData("phi3", """{"partial_rotary_factor":0.01}""", "partial_rotary_factor")]
    [InlineData("gemma2", """{"use_bidirectional_attention":true}""", "use_bidirectional_attention")]
    [InlineData("gemma2", """{"attn_logit_softcapping":-1}""", "attn_logit_softcapping")]
    [InlineData("gemma2", """{"sliding_window":null}""", "sliding_window is not set")]
    [InlineData("gemma3_text", """{"rope_parameters":{"rope_type":"default","rope_theta":5}}""", "rope_parameters is one for all layers")]
    [InlineData("gemma3", "{}", "text_config is missing")]
    [InlineData("gemma3", """{"text_config":{"model_type":"bert"}}""", "text_config.model_type is \"bert\"")]
    [InlineData("granite", """{"residual_multiplier":0}""", "residual_multiplier")]
    [InlineData("granite", """{"sliding_window":16}""", "sliding_window")]
    [InlineData("granite_swa", """{"layer_rope_theta":[10000]}""",
        "layer_rope_theta is a list of 1; supported: one for each of the 2 layers")]
    [InlineData("granite_swa", """{"layer_rope_theta":[10000,-1]}""", "layer_rope_theta")]
    [InlineData("granite_swa", """{"layer_rope_theta":7}""", "layer_rope_theta is 7")]
    [InlineData("granite_swa", """{"sliding_window":null}""", "sliding_window is not set")]
    [InlineData("granite_swa", """{"layer_types":["full_attention","mamba"]}""", "mamba")]
    [InlineData("gemma4", "{}", "text_config is missing")]
    [InlineData("gemma4_text", """{"use_bidirectional_attention":"all"}""", "use_bidirectional_attention is \"all\"")]
    [InlineData("gemma4_text", """{"use_bidirectional_attention":true}""", "use_bidirectional_attention is true")]
    [InlineData("gemma4_text", """{"global_head_dim":40}""", "global_head_dim is 40 in layer 1")]
    [InlineData("gemma4_text", """{"global_head_dim":null}""", "global_head_dim is null")]
    [InlineData("gemma4_text", """{"attention_k_eq_v":true,"num_global_key_value_heads":3}""", "num_global_key_value_heads is 3")]
    [InlineData("gemma4_text", """{"per_layer_config":{"2":{"head_dim":64}}}""", "per_layer_config is of a layer \"2\"")]
    [InlineData("gemma4_text", """{"per_layer_config":{"-1":{"head_dim":64}}}""", "per_layer_config is of a layer \"-1\"")]
    [InlineData("gemma4_text", """{"per_layer_config":{"1":null}}""", "per_layer_config.1 is null")]
    [InlineData("gemma4_text", """{"per_layer_config":{"1":{"sliding_window":4}}}""", "per_layer_config.1.sliding_window is set")]
    [InlineData("gemma4_text", """{"per_layer_config":{"1":{"head_dim":0}}}""", "per_layer_config.1.head_dim is 0")]
    [InlineData("gemma4_text", """{"per_layer_config":[]}""", "per_layer_config is []")]
    [InlineData("gemma4_text", """{"per_layer_config":{"0":{"head_dim":64}},"layer_types":["full_attention","full_attention"]}""",
        "per_layer_config is 256 in layer 1; supported: one head_dim for all layers of its type")]
    [InlineData("gemma4_text", """{"num_kv_shared_layers":2}""", "num_kv_shared_layers is 2, not a whole number from 0 to 1")]
    [InlineData("gemma4_text", """{"num_kv_shared_layers":1}""", "num_kv_shared_layers is 1; supported: so many that a layer of each type")]
    [InlineData("gemma4_text", """{"vocab_size_per_layer_input":100}""", "vocab_size_per_layer_input is 100")]
    [InlineData("gemma4_text", """{"enable_moe_block":true}""", "num_experts is missing")]
    [InlineData("gemma4_text", """{"enable_moe_block":true,"num_experts":4,"top_k_experts":5,"moe_intermediate_size":32}""",
        "top_k_experts is 5")]
    [InlineData("gemma4_text",
        """{"enable_moe_block":true,"num_experts":4,"top_k_experts":2,"moe_intermediate_size":32,"hidden_activation":"relu"}""",
        "hidden_activation is Relu")]
    [InlineData("gemma4_text", """{"rope_scaling":{"rope_type":"linear","factor":2}}""", "rope_scaling is set")]
    [InlineData("gemma4_text", """{"rope_parameters":{"rope_type":"default","rope_theta":5}}""",
        "rope_parameters.full_attention is missing")]
    [InlineData("gemma4_text", """{"rope_parameters":{"full_attention":{"rope_type":"proportional","partial_rotary_factor":2}}}""",
        "partial_rotary_factor is 2")]
    [InlineData("gemma4_text", """{"layer_types":["chunked_attention","full_attention"]}""", "chunked_attention")]
    [InlineData("gemma4_text", """{"sliding_window":0}""", "sliding_window is 0")]
    [InlineData("smollm3", """{"no_rope_layers":[1]}""", "no_rope_layers is a list of 1")]
    [InlineData("ministral3", """{"rope_parameters":{"rope_type":"yarn","factor":2}}""", "llama_4_scaling_beta is missing")]
    [InlineData("exaone4", """{"sliding_window_pattern":"LLLG"}""", "sliding_window_pattern")]
    [InlineData("exaone4", """{"sliding_window_pattern":null}""", "sliding_window_pattern is null")]
    [InlineData("helium", """{"hidden_size":64,"num_attention_heads":4,"num_key_value_heads":4,"head_dim":32}""", "head_dim is 32")]
    [InlineData("helium", """{"hidden_size":64,"num_attention_heads":4,"num_key_value_heads":4}""", "head_dim is 128")]
    [InlineData("jais2", """{"layer_types":["sliding_attention","full_attention"]}""", "layer_types")]
    [InlineData("nemotron", """{"rope_parameters":{"full_attention":{"rope_theta":5}}}""", "rope_parameters is given by layer type")]
    [InlineData("apertus", """{"hidden_act":"quick_gelu"}""", "quick_gelu")]
    [InlineData("seed_oss", """{"sliding_window":4096}""", "sliding_window")]
    [InlineData("stablelm", """{"head_dim":32}""", "head_dim")]
    [InlineData("olmo3", """{"rope_scaling":{"rope_type":"linear","factor":2},"rope_parameters":{"full_attention":{"rope_theta":2}}}""",
        "rope_scaling is set beside rope_parameters")]
    [InlineData("hunyuan_v1_dense", """{"rope_scaling":{"type":"dynamic","alpha":-1,"factor":1}}""", "rope_scaling.alpha")]
    [InlineData("arcee", """{"hidden_act":"mish"}""", "mish")]
    [InlineData("glm4", """{"rope_parameters":{"partial_rotary_factor":0.04}}""", "partial_rotary_factor")]
    [InlineData("qwen2_moe", "{}", "model_type is \"qwen2_moe\"")]
    [InlineData("mixtral", """{"hidden_act":"gelu"}""", "hidden_act is Gelu")]
    [InlineData("mixtral", """{"num_experts_per_tok":9}""", "num_experts_per_tok is 9; supported: up to the 8 experts")]
    [InlineData("qwen3_moe", """{"num_experts":8,"num_local_experts":16}""", "num_local_experts is 16; supported: the same as num_experts")]
    [InlineData("qwen3_moe", """{"mlp_only_layers":["0"]}""", "mlp_only_layers")]
    [InlineData("qwen3_moe", """{"norm_topk_prob":null}""", "norm_topk_prob is null")]
    [InlineData("olmoe", """{"sliding_window":16}""", "sliding_window")]
    [InlineData("glm4_moe", """{"head_dim":128,"n_routed_experts":8,"n_group":3}""", "n_group is 3")]
    [InlineData("glm4_moe", """{"head_dim":128,"n_routed_experts":8,"n_group":4,"topk_group":2}""", "topk_group is 2")]
    [InlineData("glm4_moe", """{"head_dim":128,"routed_scaling_factor":0}""", "routed_scaling_factor")]
    [InlineData("glm4_moe_lite", """{"mlp_layer_types":["dense"]}""", "is a list of 1; supported: one for each of the 2 layers")]
    [InlineData("glm4_moe_lite", """{"mlp_layer_types":["dense","moe"]}""", "mlp_layer_types is a list with \"moe\"")]
    [InlineData("glm4_moe_lite", """{"kv_lora_rank":20}""", "kv_lora_rank is 20; supported: multiples of 16")]
    [InlineData("glm4_moe_lite", """{"kv_lora_rank":1000000}""", "kv_lora_rank")]
    [InlineData("glm4_moe_lite", """{"qk_rope_head_dim":7}""", "qk_rope_head_dim is 7; supported: even numbers")]
    [InlineData("glm4_moe_lite", """{"qk_nope_head_dim":0}""", "qk_nope_head_dim")]
    [InlineData("glm4_moe_lite", """{"v_head_dim":-1}""", "v_head_dim")]
    [InlineData("glm4_moe_lite", """{"q_lora_rank":0}""", "q_lora_rank")]
    [InlineData("glm4_moe_lite", """{"head_dim":128}""", "head_dim is 128; supported: the same as qk_rope_head_dim, 64")]
    [InlineData("glm4_moe_lite", """{"num_key_value_heads":4}""", "num_key_value_heads is 4; supported: the same as num_attention_heads")]
    [InlineData("glm4_moe_lite", """{"partial_rotary_factor":0.5}""", "partial_rotary_factor")]
    [InlineData("glm4_moe_lite", """{"sliding_window":64}""", "sliding_window")]
    [InlineData("glm4_moe_lite", """{"rope_parameters":{"rope_type":"yarn","factor":"x"}}""", "rope_parameters.factor")]
    [InlineData("deepseek_v3", """{"n_group":7}""", "n_group is 7")]
    [InlineData("deepseek_v3", """{"n_group":null}""", "n_group is null")]
    [InlineData("deepseek_v3", """{"v_head_dim":null}""", "v_head_dim is null")]
    [InlineData("deepseek_v3", """{"topk_group":9}""", "topk_group")]
    [InlineData("deepseek_v3", """{"first_k_dense_replace":-1}""", "first_k_dense_replace")]
    [InlineData("deepseek_v3", """{"rope_scaling":{"type":"yarn","factor":40,"mscale_all_dim":"1"}}""", "rope_scaling.mscale_all_dim")]
    [InlineData("deepseek_v3", """{"quantization_config":{"quant_method":"hqq"}}""", "quantization_config.quant_method is \"hqq\"")]
    [InlineData("deepseek_v2", "{}", "num_experts_per_tok is missing")]
    [InlineData("deepseek_v2", """{"num_experts_per_tok":6,"topk_method":"noaux_tc"}""", "topk_method is \"noaux_tc\"")]
    [InlineData("deepseek_v2", """{"num_experts_per_tok":6,"topk_method":"group_limited_greedy"}""", "without n_group or topk_group")]
    [InlineData("deepseek_v2", """{"num_experts_per_tok":6,"topk_method":"group_limited_greedy","n_group":null}""", "n_group is null")]
    [InlineData("lfm2", """{"layer_types":["conv","sliding_attention"]}""", "supported: conv, full_attention")]
    [InlineData("lfm2", """{"layer_types":["conv"]}""", "layer_types is a list of 1")]
    [InlineData("lfm2", """{"conv_L_cache":1}""", "conv_L_cache")]
    [InlineData("lfm2", """{"conv_L_cache":17}""", "conv_L_cache")]
    [InlineData("lfm2", """{"block_ffn_dim_multiplier":-1}""", "block_ffn_dim_multiplier")]
    [InlineData("lfm2", """{"full_attn_idxs":["0"]}""", "full_attn_idxs")]
    [InlineData("lfm2", """{"rope_parameters":{"full_attention":{"rope_theta":5}}}""", "rope_parameters is given by layer type")]
    [InlineData("lfm2_moe", "{}", "layer_types is missing")]
    [InlineData("lfm2_moe", """{"layer_types":["conv","full_attention"],"num_experts_per_tok":33}""", "num_experts_per_tok is 33")]
    [InlineData("lfm3", """{"layer_types":["conv","full_attention"],"rope_parameters":{"sliding_attention":{"rope_theta":5}}}""",
        "rope_parameters is without full_attention")]
    [InlineData("lfm3", """{"layer_types":["conv","sliding_attention"],"sliding_window":null}""", "sliding_window is not set")]
    [InlineData("lfm3", """{"layer_types":["conv","chunked_attention"]}""", "chunked_attention")]
    [InlineData("gpt_oss", """{"swiglu_limit":null}""", "swiglu_limit is null")]
    [InlineData("gpt_oss", """{"quantization_config":{"quant_method":"hqq"}}""", "quantization_config.quant_method is \"hqq\"")]
    [InlineData("qwen3_5_text", """{"layer_types":["linear_attention","conv"]}""", "layer_types is a list with \"conv\"")]
    [InlineData("qwen3_5_text", """{"layer_types":["full_attention"]}""", "layer_types is a list of 1; supported: one for each of the 2")]
    [InlineData("qwen3_5_text", """{"layer_types":["mamba","mamba"]}""", "layer_types is without a layer of attention")]
    [InlineData("qwen3_5_text", "{}", "full_attention_interval is without a layer of attention")]
    [InlineData("qwen3_5_text", """{"full_attention_interval":2,"linear_num_value_heads":20}""", "linear_num_value_heads is 20")]
    [InlineData("qwen3_5_text", """{"full_attention_interval":2,"linear_key_head_dim":24}""", "linear_key_head_dim is 24")]
    [InlineData("qwen3_5_text", """{"full_attention_interval":2,"linear_value_head_dim":512}""", "linear_value_head_dim is 512")]
    [InlineData("qwen3_5_text", """{"hidden_act":"gelu"}""", "hidden_act is Gelu")]
    [InlineData("qwen3_5", "{}", "text_config is missing")]
    [InlineData("qwen3_5_moe_text", """{"full_attention_interval":1,"num_experts_per_tok":300}""", "num_experts_per_tok is 300")]
    [InlineData("qwen3_next", """{"full_attention_interval":1,"mlp_only_layers":[true]}""", "mlp_only_layers")]
    [InlineData("granitemoehybrid", "{}", "layer_types is not set")]
    [InlineData("granitemoehybrid", """{"layers_block_type":["mamba","mamba"]}""", "layers_block_type is without a layer of attention")]
    [InlineData("granitemoehybrid", """{"mamba_d_head":48,"layer_types":["mamba","attention"]}""", "mamba_d_head is 48")]
    [InlineData("granitemoehybrid", """{"mamba_n_heads":1000,"layer_types":["mamba","attention"]}""", "mamba_n_heads is 1000")]
    [InlineData("granitemoehybrid", """{"mamba_n_groups":3,"layer_types":["mamba","attention"]}""", "mamba_n_groups is 3")]
    [InlineData("granitemoehybrid", """{"mamba_expand":null}""", "mamba_expand is null")]
    [InlineData("granitemoehybrid", """{"time_step_limit":[0.001,0.1]}""", "time_step_limit is [0.001,0.1]; supported: 0 to infinity")]
    [InlineData("granitemoehybrid", """{"num_local_experts":0,"shared_intermediate_size":0,"layer_types":["mamba","attention"]}""",
        "shared_intermediate_size is 0")]
    [InlineData("llama", """{"quantization_config":{"quant_method":"mxfp4"}}""", "quantization_config is of the method \"mxfp4\"")]
    [InlineData("llama", """{"quantization_config":{"quant_method":"compressed-tensors","format":"marlin-24"}}""",
        "quantization_config.format is \"marlin-24\"")]
    public void Config_ThatIsNotHonoured_IsRefusedByItsField(string modelType, string fields, string named) =>
        Assert.Contains(named, Assert.Throws<InvalidDataException>(() => Read(modelType, fields)).Message, StringComparison.Ordinal);

    /// <summary>Each line: a type, and fields that its class in transformers 5.23 does not let be null, by the class's own word.</summary>
    public static TheoryData<string> Nulls { get; } =
        [.. File.ReadLines(Path.Combine(Shared.RepositoryRoot, "tests", "ModelImporter.Tests", "Fixtures", "nulls.txt"))];

    [Theory]
    [MemberData(nameof(Nulls))]
    public void Config_NullWhereTransformersHasNone_IsRefusedByItsField(string line)
    {
        var (modelType, fields) = (line.Split(' ')[0], line.Split(' ')[1..]);
        foreach (var field in fields)
        {
            var json = new JsonObject { [field] = null };
            if (modelType == "lfm2_moe")
                json["layer_types"] = new JsonArray("conv", "full_attention");
            if (modelType == "glm4_moe" && field != "head_dim")
                json["head_dim"] = 128;
            Assert.Contains($"{field} is null", Assert.Throws<InvalidDataException>(() => Read(modelType, json.ToJsonString())).Message,
                StringComparison.Ordinal);
        }
    }

    /// <summary>A text model says nothing of ties; its wrapper does, whose class ties unless it says otherwise.</summary>
    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{"tie_word_embeddings":false}""", false)]
    public void TextConfig_OfAMultimodalModel_IsReadWithWhatItsWrapperDecides(string wrapper, bool tied)
    {
        var fields = JsonNode.Parse(wrapper)!.AsObject();
        fields["text_config"] = JsonNode.Parse("""{"model_type":"mistral","num_hidden_layers":3,"tie_word_embeddings":false}""");

        var config = Read("mistral3", fields.ToJsonString());

        Assert.Equal(("MistralForCausalLM", 3, tied), (config.Architecture, config.Shape.Layers, config.Shape.TiedEmbeddings));
        Assert.Contains(config.Notes, note => note.Contains("image", StringComparison.Ordinal));
    }

    [Fact]
    public void Dynamic_Context_GoesAsFarAsItStretches() => Assert.Equal(
        300, Read("llama", """{"max_position_embeddings":100,"rope_scaling":{"type":"dynamic","factor":3}}""").Shape.ContextTokensMax);

    private static DecoderConfig Read(string modelType, string fields)
    {
        var config = new JsonObject { ["model_type"] = modelType, ["num_hidden_layers"] = 2 };
        foreach (var (field, value) in JsonNode.Parse(fields)!.AsObject())
            config[field] = value?.DeepClone();
        return CheckpointReader.CheckConfiguration(ConfigFile.Parse("config.json", config.ToJsonString()));
    }
}

using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Tests.Parity;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>
/// Files as llama.cpp's converter writes them of families without a fixture: what they answer is what their checkpoint answers.
/// </summary>
public sealed class ConvertedFileTests
{
    private const int Tokens = 60;

    [Theory]
    [InlineData("cohere", """{"layer_norm_eps":1e-4,"logit_scale":0.3,"use_qk_norm":true,"rope_theta":5000.0}""")]
    [InlineData("cohere", """{"layer_norm_eps":1e-5,"logit_scale":2.5,"tie_word_embeddings":false}""")]
    [InlineData("cohere2", """{"layer_norm_eps":1e-5,"logit_scale":0.5,"sliding_window":12,"rope_theta":5000.0,"head_dim":32}""")]
    [InlineData("ernie4_5", """{"head_dim":32,"rms_norm_eps":1e-5,"rope_theta":500000.0,"use_bias":true}""")]
    [InlineData("ernie4_5", """{"head_dim":16,"rms_norm_eps":1e-3,"rope_theta":900.0,"tie_word_embeddings":false}""")]
    [InlineData("hunyuan_v1_dense", """{"rms_norm_eps":1e-5,"rope_scaling":{"type":"dynamic","alpha":100.0,"factor":1.0}}""")]
    [InlineData("hunyuan_v1_dense", """{"rms_norm_eps":1e-5,"head_dim":32,"attention_bias":true,"rope_theta":700.0}""")]
    [InlineData("arcee", """{"rms_norm_eps":1e-5,"attention_bias":true,"mlp_bias":true,"rope_theta":10000.0}""")]
    [InlineData("arcee",
        """{"rms_norm_eps":1e-5,"rope_scaling":{"rope_type":"yarn","factor":8.0,"original_max_position_embeddings":32}}""")]
    [InlineData("apertus", """{"rms_norm_eps":1e-5,"rope_parameters":{"rope_type":"default","rope_theta":700.0}}""")]
    [InlineData("apertus",
        """
        {"rms_norm_eps":1e-5,"attention_bias":true,"original_max_position_embeddings":32,"rope_parameters":{"rope_type":"llama3",
         "rope_theta":700.0,"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":32}}
        """)]
    [InlineData("stablelm", """{"layer_norm_eps":1e-4,"use_qkv_bias":true,"partial_rotary_factor":0.25,"use_parallel_residual":false}""")]
    [InlineData("stablelm",
        """{"layer_norm_eps":1e-5,"qk_layernorm":true,"use_parallel_residual":true,"partial_rotary_factor":0.5}""")]
    [InlineData("starcoder2", """{"norm_epsilon":1e-4,"sliding_window":null,"rope_theta":900.0}""")]
    [InlineData("starcoder2", """{"norm_epsilon":1e-5,"use_bias":false,"tie_word_embeddings":false}""")]
    [InlineData("nemotron", """{"norm_eps":1e-4,"attention_bias":true,"mlp_bias":true,"rope_theta":900.0}""")]
    [InlineData("nemotron", """{"norm_eps":1e-5,"partial_rotary_factor":0.25,"head_dim":32}""")]
    [InlineData("jais2", """{"layer_norm_eps":1e-4,"rope_theta":900.0}""")]
    [InlineData("jais2", """{"layer_norm_eps":1e-5,"attention_bias":false,"mlp_bias":false}""")]
    [InlineData("olmo", """{"clip_qkv":0.8,"rope_theta":900.0}""")]
    [InlineData("olmo", """{"num_key_value_heads":4}""")]
    [InlineData("olmoe", """{"rms_norm_eps":1e-5,"num_experts":8,"num_experts_per_tok":3,"rope_theta":900.0}""")]
    [InlineData("granitemoeshared",
        """
        {"rms_norm_eps":1e-5,"num_local_experts":6,"num_experts_per_tok":2,"shared_intermediate_size":48,"embedding_multiplier":4.0,
         "attention_multiplier":0.2,"residual_multiplier":0.5,"logits_scaling":3.0}
        """)]
    [InlineData("gemma4_text",
        """
        {"rms_norm_eps":1e-5,"head_dim":16,"global_head_dim":32,"num_global_key_value_heads":1,"attention_k_eq_v":true,"sliding_window":12,
         "enable_moe_block":true,"num_experts":6,"top_k_experts":2,"moe_intermediate_size":48,"hidden_size_per_layer_input":0,
         "final_logit_softcapping":30.0,"layer_types":["sliding_attention","full_attention","sliding_attention","full_attention"]}
        """)]
    [InlineData("gemma4_text",
        """
        {"rms_norm_eps":1e-5,"head_dim":16,"global_head_dim":32,"num_kv_shared_layers":2,"use_double_wide_mlp":true,"sliding_window":12,
         "hidden_size_per_layer_input":16,"vocab_size_per_layer_input":384,
         "layer_types":["sliding_attention","full_attention","sliding_attention","full_attention"]}
        """)]
    [InlineData("lfm2_moe",
        """
        {"norm_eps":1e-5,"layer_types":["conv","full_attention","conv","full_attention"],"num_experts":6,"num_experts_per_tok":3,
         "moe_intermediate_size":48,"num_dense_layers":1,"conv_L_cache":3,"rope_theta":1000000.0}
        """)]
    [InlineData("lfm2_moe",
        """
        {"norm_eps":1e-4,"layer_types":["full_attention","conv","conv","full_attention"],"num_experts":4,"num_experts_per_tok":2,
         "moe_intermediate_size":32,"num_dense_layers":2,"conv_L_cache":4,"use_expert_bias":false,"rope_theta":900.0,
         "tie_embedding":false,"head_dim":32}
        """)]
    [InlineData("glm4_moe",
        """
        {"rms_norm_eps":1e-5,"n_routed_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":48,"n_shared_experts":1,
         "first_k_dense_replace":1,"use_qk_norm":true,"attention_bias":true,"routed_scaling_factor":2.5,"norm_topk_prob":true,"head_dim":16}
        """)]
    [InlineData("glm4_moe",
        """
        {"rms_norm_eps":1e-5,"n_routed_experts":12,"num_experts_per_tok":3,"moe_intermediate_size":32,"n_group":4,"topk_group":2,
         "n_shared_experts":2,"first_k_dense_replace":2,"routed_scaling_factor":1.5,"norm_topk_prob":false,"head_dim":32}
        """)]
    [InlineData("qwen3_5_text",
        """
        {"rms_norm_eps":1e-5,"head_dim":32,"full_attention_interval":2,"linear_num_key_heads":2,"linear_num_value_heads":6,
         "linear_key_head_dim":32,"linear_value_head_dim":16,"linear_conv_kernel_dim":3,"rope_theta":900.0}
        """)]
    [InlineData("qwen3_5_moe_text",
        """
        {"rms_norm_eps":1e-5,"head_dim":32,"full_attention_interval":4,"linear_num_key_heads":2,"linear_num_value_heads":4,
         "linear_key_head_dim":16,"linear_value_head_dim":32,"linear_conv_kernel_dim":4,"num_experts":8,"num_experts_per_tok":3,
         "moe_intermediate_size":48,"shared_expert_intermediate_size":32,"rope_theta":900.0}
        """)]
    [InlineData("qwen3_next",
        """
        {"rms_norm_eps":1e-5,"head_dim":32,"full_attention_interval":2,"linear_num_key_heads":2,"linear_num_value_heads":4,
         "linear_key_head_dim":32,"linear_value_head_dim":16,"linear_conv_kernel_dim":4,"num_experts":8,"num_experts_per_tok":3,
         "moe_intermediate_size":32,"shared_expert_intermediate_size":64,"rope_theta":900.0}
        """)]
    [InlineData("granitemoehybrid",
        """
        {"rms_norm_eps":1e-5,"layer_types":["mamba","attention","mamba","mamba"],"num_local_experts":6,"num_experts_per_tok":2,
         "mamba_n_heads":8,"mamba_n_groups":2,"mamba_d_state":24,"mamba_d_conv":4,"mamba_expand":2,"mamba_proj_bias":true,
         "shared_intermediate_size":48,"attention_multiplier":0.2,"residual_multiplier":0.5,"logits_scaling":3.0,"attention_bias":true}
        """)]
    [InlineData("granitemoehybrid",
        """
        {"rms_norm_eps":1e-5,"layer_types":["attention","mamba","attention","mamba"],"num_local_experts":0,"num_experts_per_tok":0,
         "mamba_n_heads":4,"mamba_n_groups":1,"mamba_d_state":16,"mamba_d_conv":3,"mamba_expand":2,"mamba_conv_bias":false,
         "shared_intermediate_size":96,"attention_multiplier":0.3,"embedding_multiplier":2.0}
        """)]
    [InlineData("deepseek_v3",
        """
        {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":48,"n_group":2,
         "topk_group":1,"n_shared_experts":1,"first_k_dense_replace":1,"q_lora_rank":48,"kv_lora_rank":32,"qk_nope_head_dim":16,
         "qk_rope_head_dim":8,"v_head_dim":24,"routed_scaling_factor":2.5,"norm_topk_prob":true,"scoring_func":"sigmoid",
         "rope_scaling":{"rope_type":"yarn","factor":8.0,"mscale":1.0,"mscale_all_dim":1.0,"original_max_position_embeddings":32}}
        """)]
    [InlineData("deepseek_v2",
        """
        {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":8,"num_experts_per_tok":3,"moe_intermediate_size":32,"n_group":4,
         "topk_group":2,"topk_method":"group_limited_greedy","n_shared_experts":2,"first_k_dense_replace":2,"q_lora_rank":null,
         "kv_lora_rank":48,"qk_nope_head_dim":32,"qk_rope_head_dim":16,"v_head_dim":16,"routed_scaling_factor":1.5,
         "rope_scaling":{"rope_type":"yarn","factor":4.0,"mscale":0.707,"mscale_all_dim":0.707,"original_max_position_embeddings":64}}
        """)]
    [InlineData("deepseek_v2",
        """
        {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":32,
         "n_shared_experts":1,"first_k_dense_replace":0,"q_lora_rank":32,"kv_lora_rank":32,"qk_nope_head_dim":16,"qk_rope_head_dim":16,
         "v_head_dim":32,"routed_scaling_factor":1.0,"unsplit":true}
        """)]
    [InlineData("glm4_moe_lite",
        """
        {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":48,
         "n_shared_experts":1,"first_k_dense_replace":1,"q_lora_rank":24,"kv_lora_rank":32,"qk_nope_head_dim":16,"qk_rope_head_dim":8,
         "v_head_dim":24,"routed_scaling_factor":1.8,"norm_topk_prob":true}
        """)]
    public void Logits_OfAConvertedFile_AreThoseOfItsCheckpoint(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, fields, seed: fields.Length);
        var file = ConvertedFile.Write(folder, source);
        var random = new Random(fields.Length);
        uint[] ids = [.. Enumerable.Range(0, Tokens).Select(_ => (uint)random.Next(384))];

        var (expected, actual) = (Logits(source, ids), Logits(file, ids));

        for (var t = 0; t < ids.Length; t++)
            Assert.InRange(Fixture.RelativeError(actual[t], expected[t]), 0, 2e-5);
    }

    /// <summary>The expansion of latents keeps the grid of the file, as all else does.</summary>
    [Theory]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Import_OfLatentsInEightBits_IsExact(string precision)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "deepseek_v3",
            """
            {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":4,"num_experts_per_tok":4,"moe_intermediate_size":64,
             "n_group":1,"topk_group":1,"n_shared_experts":1,"first_k_dense_replace":1,"q_lora_rank":32,"kv_lora_rank":64,
             "qk_nope_head_dim":32,"qk_rope_head_dim":16,"v_head_dim":32,"routed_scaling_factor":1.0,"norm_topk_prob":true,
             "scoring_func":"sigmoid"}
            """, seed: 9);
        var file = ConvertedFile.Write(folder, source, type: (name, shape) =>
            shape.Length > 1 && !name.Contains("gate.weight", StringComparison.Ordinal) ? GgufType.Q8_0 : GgufType.F32);
        uint[] ids = [.. Enumerable.Range(0, Tokens).Select(i => (uint)((i * 31) % 384))];
        using var package = new ParityPackage(file, precision);
        using var runner = package.Open(ParityPackage.Options());

        var actual = package.Logits(runner, [ids], Tokens)[0];

        Assert.Equal(0, Assert.Single(package.Result.TypeErrors, error => error.Type == "Q8_0").Relative);
        var error = new LogitError();
        foreach (var (row, expected) in actual.Zip(Logits(file, ids)))
            error.Add(row, expected);
        Assert.InRange(error.RootMeanSquare, 0, 0.1);
    }

    /// <summary>What the file says of the MLP of a layer, and is damaged, or asks for what nobody has.</summary>
    [Theory]
    [InlineData("apertus", """{"rms_norm_eps":1e-5,"rope_parameters":{"rope_type":"default","rope_theta":700.0}}""", "xielu.alpha_n")]
    [InlineData("olmo", "{}", "olmo.attention.layer_norm_epsilon")]
    [InlineData("cohere2", """{"layer_norm_eps":1e-5,"logit_scale":0.5,"sliding_window":12}""", "cohere2.logit_scale")]
    [InlineData("nemotron", """{"norm_eps":1e-5}""", "nemotron.attention.layer_norm_epsilon")]
    [InlineData("starcoder2", """{"norm_epsilon":1e-5,"sliding_window":null}""", "starcoder2.use_parallel_residual")]
    public void Import_KeyThatDoesNotFit_IsNamed(string modelType, string fields, string key)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, fields, seed: 3);
        object value = key.Split('.')[^1] switch
        {
            "alpha_n" => new float[3],
            "use_parallel_residual" => true,
            _ => modelType == "olmo" ? 1e-6f : 0f,
        };
        var file = ConvertedFile.Write(folder, source, writer => writer.Set(key, value));

        var message = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(file)).Message;

        Assert.Contains(key, message, StringComparison.Ordinal);
        Assert.Contains("model.gguf", message, StringComparison.Ordinal);
    }

    private static float[][] Logits(string source, uint[] ids)
    {
        using var package = new ParityPackage(source);
        using var runner = package.Open(ParityPackage.Options());
        return package.Logits(runner, [ids], ids.Length)[0];
    }
}

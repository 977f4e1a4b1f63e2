using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>
/// Families and switches that no fixture has, against a plain forward pass that is itself held against transformers' answers.
/// </summary>
public sealed class FamilyTests
{
    private const int Tokens = 70;

    [Theory]
    [MemberData(nameof(ParityCheckpoint.All), MemberType = typeof(ParityCheckpoint))]
    public void Reference_EveryFixture_AnswersAsTransformersDoes(string name)
    {
        var checkpoint = new ParityCheckpoint(name);
        var reference = new FamilyForward(checkpoint.Folder);
        foreach (var scene in checkpoint.Cases())
        {
            var logits = reference.Logits([.. scene.Ids.Select(id => (int)id)]);

            Assert.InRange(Fixture.RelativeError([.. logits[^1].Select(value => (float)value)], scene.Last), 0, 2e-5);
            Assert.InRange(Fixture.RelativeError([.. logits[scene.MiddleIndex].Select(value => (float)value)], scene.Middle), 0, 2e-5);
        }
    }

    /// <summary>One for each family, and one for each switch that changes what it computes.</summary>
    [Theory]
    [InlineData("llama", """{"rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":32,"truncate":false}}""")]
    [InlineData("llama", """{"rope_scaling":{"rope_type":"yarn","factor":8,"original_max_position_embeddings":16,"attention_factor":1.3}}""")]
    [InlineData("llama", """{"rope_scaling":{"rope_type":"yarn","factor":8,"mscale":0.7,"mscale_all_dim":1.4,"beta_fast":16,"beta_slow":2,"original_max_position_embeddings":32}}""")]
    [InlineData("llama", """{"hidden_act":"gelu","rope_theta":500.0,"attention_bias":true}""")]
    [InlineData("llama", """{"max_position_embeddings":50,"rope_scaling":{"type":"dynamic","factor":3}}""")]
    [InlineData("mistral", """{"head_dim":32,"sliding_window":10,"rope_theta":1000.0}""")]
    [InlineData("mistral", """{"num_key_value_heads":4,"sliding_window":null,"hidden_act":"relu"}""")]
    [InlineData("ministral", """{"sliding_window":12,"layer_types":["full_attention","sliding_attention","full_attention","sliding_attention"]}""")]
    [InlineData("qwen2", """{"use_sliding_window":true,"sliding_window":14,"max_window_layers":2}""")]
    [InlineData("qwen2", """{"use_sliding_window":true,"sliding_window":14,"layer_types":["sliding_attention","full_attention","full_attention","full_attention"]}""")]
    [InlineData("qwen3", """{"head_dim":48,"attention_bias":true,"num_key_value_heads":1}""")]
    [InlineData("phi3", """{"sliding_window":9,"partial_rotary_factor":0.5}""")]
    [InlineData("phi3", """{"original_max_position_embeddings":40,"rope_scaling":{"type":"su","short_factor":[1,1.1,1.2,1.3,1.4,1.5,1.6,1.7],"long_factor":[1,1.5,2,2.5,3,3.5,4,5]}}""")]
    [InlineData("gemma", """{"head_dim":32,"num_key_value_heads":1,"hidden_act":"gelu"}""")]
    [InlineData("gemma2", """{"head_dim":32,"query_pre_attn_scalar":20,"attn_logit_softcapping":2.0,"final_logit_softcapping":null,"sliding_window":11}""")]
    [InlineData("gemma2", """{"head_dim":16,"attn_logit_softcapping":null,"final_logit_softcapping":3.0,"sliding_window":30}""")]
    [InlineData("gemma3_text", """{"head_dim":32,"sliding_window":13,"sliding_window_pattern":2,"rope_theta":5000.0,"rope_local_base_freq":300.0,"rope_scaling":{"rope_type":"linear","factor":4.0}}""")]
    [InlineData("gemma3_text", """{"head_dim":16,"final_logit_softcapping":4.0,"attn_logit_softcapping":1.0,"num_hidden_layers":7}""")]
    [InlineData("granite", """{"attention_multiplier":0.11,"embedding_multiplier":7.0,"residual_multiplier":0.4,"logits_scaling":5.0,"attention_bias":true,"mlp_bias":true}""")]
    [InlineData("smollm3", """{"no_rope_layer_interval":2,"use_sliding_window":true,"sliding_window":12}""")]
    [InlineData("olmo", """{"clip_qkv":0.8}""")]
    [InlineData("olmo2", """{"attention_bias":true,"num_key_value_heads":4}""")]
    [InlineData("olmo3", """{"sliding_window":12,"rope_theta":900.0}""")]
    [InlineData("olmo3", """{"sliding_window":12,"rope_scaling":{"rope_type":"yarn","factor":8,"original_max_position_embeddings":32}}""")]
    [InlineData("cohere", """{"use_qk_norm":true,"logit_scale":0.3}""")]
    [InlineData("cohere2", """{"sliding_window":12,"sliding_window_pattern":2,"attention_bias":true,"logit_scale":0.5}""")]
    [InlineData("glm", """{"head_dim":32}""")]
    [InlineData("glm4", """{"head_dim":32,"partial_rotary_factor":0.25,"attention_bias":false}""")]
    [InlineData("exaone4", """{"sliding_window":null}""")]
    [InlineData("exaone4", """{"sliding_window":12,"sliding_window_pattern":2}""")]
    [InlineData("seed_oss", """{"head_dim":32,"attention_out_bias":true,"mlp_bias":true}""")]
    [InlineData("ernie4_5", """{"head_dim":32}""")]
    [InlineData("hunyuan_v1_dense", """{"attention_bias":true,"rope_scaling":{"type":"dynamic","alpha":100.0,"factor":1.0}}""")]
    [InlineData("arcee", """{"attention_bias":true,"mlp_bias":true,"hidden_act":"relu"}""")]
    [InlineData("apertus", """{"attention_bias":true,"rope_parameters":{"rope_type":"default","rope_theta":700.0}}""")]
    [InlineData("stablelm", """{"use_qkv_bias":true}""")]
    [InlineData("stablelm", """{"qk_layernorm":true,"use_parallel_residual":true,"partial_rotary_factor":0.5}""")]
    [InlineData("starcoder2", """{"sliding_window":15}""")]
    [InlineData("starcoder2", """{"use_bias":false,"hidden_act":"gelu"}""")]
    [InlineData("nemotron", """{"head_dim":32,"attention_bias":true,"mlp_bias":true}""")]
    [InlineData("helium", """{"head_dim":16,"num_key_value_heads":4,"attention_bias":true,"mlp_bias":true}""")]
    [InlineData("jais2", """{"num_key_value_heads":4}""")]
    [InlineData("jais2", """{"attention_bias":false,"mlp_bias":false}""")]
    public void Logits_RandomWeights_AreThoseOfThePlainForward(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        // What the reference has no default for.
        var source = RandomCheckpoint.Write(folder, modelType, WithEpsilon(fields), seed: fields.Length);
        using var package = new ParityPackage(source);
        using var runner = package.Open(ParityPackage.Options());
        var random = new Random(fields.Length);
        uint[] ids = [.. Enumerable.Range(0, Math.Min(Tokens, package.Shape.ContextTokensMax)).Select(_ => (uint)random.Next(384))];

        var actual = package.Logits(runner, [ids], 9)[0];

        var expected = new FamilyForward(source).Logits([.. ids.Select(id => (int)id)]);
        for (var t = 0; t < ids.Length; t++)
            Assert.InRange(Fixture.RelativeError(actual[t], [.. expected[t].Select(value => (float)value)]), 0, 1e-4);
    }

    private static string WithEpsilon(string fields) => fields.Length == 2 ? """{"rms_norm_eps":1e-5}""" : """{"rms_norm_eps":1e-5,""" + fields[1..];
}

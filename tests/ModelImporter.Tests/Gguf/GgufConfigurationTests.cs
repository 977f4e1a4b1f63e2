using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>
/// What llama.cpp reads from the metadata of a Llama file, read the same way; what would ask for other mathematics is refused.
/// </summary>
public sealed class GgufConfigurationTests
{
    private const int Vocabulary = 12;

    [Theory]
    [InlineData("""{"rope.scaling.factor":4}""", 4.0)]
    [InlineData("""{"rope.scale_linear":2.5}""", 2.5)]
    [InlineData("""{"rope.scaling.factor":4,"rope.scale_linear":2}""", 4.0)]
    [InlineData("""{"rope.scaling.type":"linear","rope.scale_linear":2}""", 2.0)]
    [InlineData("""{"rope.scaling.type":"linear","rope.scaling.factor":8}""", 8.0)]
    [InlineData("""{"rope.scaling.type":"linear"}""", null)]
    [InlineData("""{"rope.scaling.type":"none","rope.scaling.factor":8}""", null)]
    [InlineData("""{"rope.scaling.factor":0}""", null)]
    [InlineData("{}", null)]
    public void Scaling_AnyKeys_AreReadAsLlamaCppDoes(string keys, double? factor)
    {
        var scaling = JsonNode.Parse(Read(keys).ToJson())!["rope_scaling"];

        Assert.Equal(factor, scaling?["factor"]!.GetValue<double>());
        Assert.Equal(factor is null ? null : "linear", scaling?["rope_type"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{"rope.scaling.type":"yarn","rope.scaling.factor":4}""", "llama.rope.scaling.type is yarn")]
    [InlineData("""{"rope.scaling.type":"longrope"}""", "llama.rope.scaling.type is longrope")]
    [InlineData("""{"rope.scaling.type":"unheard-of"}""", "llama.rope.scaling.type is unheard-of")]
    [InlineData("""{"rope.scaling.factor":-4}""", "llama.rope.scaling.factor is -4")]
    [InlineData("""{"rope.scaling.factor":"4"}""", "llama.rope.scaling.factor")]
    [InlineData("""{"rope.scaling.attn_factor":1.5}""", "llama.rope.scaling.attn_factor is 1.5")]
    [InlineData("""{"rope.dimension_count":16}""", "rope.dimension_count")]
    [InlineData("""{"attention.value_length":16}""", "llama.attention.value_length")]
    [InlineData("""{"attention.head_count_kv":[1,1]}""", "llama.attention.head_count_kv is a list")]
    [InlineData("""{"expert_count":8}""", "llama.expert_used_count is missing")]
    [InlineData("""{"attention.scale":0.5}""", "llama.attention.scale is 0.5")]
    [InlineData("""{"logit_scale":8.0}""", "llama.logit_scale")]
    [InlineData("""{"residual_scale":0.5}""", "llama.residual_scale")]
    [InlineData("""{"embedding_scale":12.0}""", "llama.embedding_scale")]
    [InlineData("""{"attention.sliding_window":4096}""", "llama.attention.sliding_window is 4096")]
    [InlineData("""{"attn_logit_softcapping":50.0}""", "llama.attn_logit_softcapping")]
    [InlineData("""{"attention.causal":false}""", "llama.attention.causal is False")]
    public void Metadata_ThatAreNotHonoured_AreRefusedByName(string keys, string named)
    {
        var message = Assert.Throws<InvalidDataException>(() => Read(keys).ToJson()).Message;

        Assert.Contains("model.gguf", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"expert_count":0,"attention.causal":true,"attention.scale":0.0,"rope.scaling.attn_factor":1.0}""")]
    [InlineData("""{"rope.dimension_count":32,"attention.value_length":32,"vocab_size":12,"split.count":1}""")]
    public void Metadata_ThatChangeNothing_AreAccepted(string keys) =>
        Assert.Equal("llama", JsonNode.Parse(Read(keys).ToJson())!["model_type"]!.GetValue<string>());

    /// <summary>The ends of an answer: those with a key of their own, and those whose text llama.cpp knows.</summary>
    [Theory]
    [InlineData("""{"eos_token_id":0,"eot_token_id":7}""", "a b c", "0,7")]
    [InlineData("""{"eos_token_id":2,"eom_token_id":1,"eot_token_id":2}""", "a b c", "2,1")]
    [InlineData("""{"eos_token_id":3}""", "<s> </s> x <|im_end|> <|endoftext|> <|im_start|>", "3,4")]
    [InlineData("""{"eos_token_id":1}""", "<|eot_id|> </s> <end_of_turn> <|eom_id|> <EOT> _<EOT> <|end_of_text|> [EOS]", "1,0,2,3,4,5,6,7")]
    [InlineData("""{"eos_token_id":0}""", "a <|end|> <|user|>", "0,1")]
    [InlineData("""{"eos_token_id":0}""", "<|return|> <|end|> <|call|>", "0,2")]
    [InlineData("""{"eos_token_id":0}""", "a <|im_end| > <|im_ending|>", "0")]
    [InlineData("""{"eos_token_id":0,"fim_pad_token_id":5,"fim_rep_token_id":4,"fim_sep_token_id":3}""", "a", "0,3,4,5")]
    [InlineData("""{"eot_token_id":4}""", "a", "4")]
    [InlineData("{}", "x <|im_end|>", "1")]
    [InlineData("""{"bos_token_id":1}""", "a b", null)]
    public void Ends_OfAnAnswer_AreThoseOfLlamaCpp(string keys, string tokens, string? expected)
    {
        var json = Read("{}", keys, tokens.Split(' ')).ToGenerationJson(Vocabulary);

        Assert.Equal(expected, json is null ? null : string.Join(',', JsonNode.Parse(json)!["eos_token_id"]!.AsArray()));
    }

    /// <summary>The text of a closing tag may be an ordinary token.</summary>
    [Theory]
    [InlineData(3, "0,1")]
    [InlineData(1, "0")]
    public void Ends_TextOfATag_CountsAsAControlTokenOnly(int type, string expected)
    {
        var json = Read("{}", """{"eos_token_id":0}""", ["a", "</s>"], [1, type]).ToGenerationJson(Vocabulary)!;

        Assert.Equal(expected, string.Join(',', JsonNode.Parse(json)!["eos_token_id"]!.AsArray()));
    }

    [Theory]
    [InlineData("eos")]
    [InlineData("eot")]
    [InlineData("eom")]
    public void Ends_BeyondTheVocabulary_AreRefusedByTheirKey(string key) =>
        Assert.Contains($"model.gguf: tokenizer.ggml.{key}_token_id is 12, not an id below 12",
            Assert.Throws<InvalidDataException>(() => Read("{}", $$"""{"{{key}}_token_id":12}""", []).ToGenerationJson(Vocabulary)).Message,
            StringComparison.Ordinal);

    private static GgufConfiguration Read(string keys, string tokenizerKeys = "{}", string[]? tokens = null, int[]? types = null)
    {
        var writer = GgufWriter.Llama(64, 2, 2, 32);
        writer.Add("llama.block_count", 1u);
        writer.Add("llama.context_length", 64u);
        writer.Add("llama.feed_forward_length", 32u);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        foreach (var (key, value) in JsonNode.Parse(keys)!.AsObject())
            writer.Set(key.StartsWith("split", StringComparison.Ordinal) ? key : $"llama.{key}", Value(value!, key));
        foreach (var (key, value) in JsonNode.Parse(tokenizerKeys)!.AsObject())
            writer.Set($"tokenizer.ggml.{key}", (uint)value!.GetValue<int>());
        if (tokens is not null)
            writer.Set("tokenizer.ggml.tokens", tokens);
        if (types is not null)
            writer.Set("tokenizer.ggml.token_type", types);
        writer.Add("token_embd.weight", GgufType.Q8_0, [Vocabulary, 64], new byte[Vocabulary * 68]);
        var bytes = writer.ToArray();
        return new GgufConfiguration(GgufHeader.Parse(bytes, bytes.Length, "model.gguf"), "model.gguf");
    }

    /// <summary>Counts and sizes are whole numbers in GGUF, factors and scales are not.</summary>
    private static object Value(JsonNode value, string key) => value.GetValueKind() switch
    {
        JsonValueKind.String => value.GetValue<string>(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => value.AsArray().Select(item => item!.GetValue<int>()).ToArray(),
        _ when key.Contains("factor", StringComparison.Ordinal) || key.Contains("scale", StringComparison.Ordinal)
            || key.Contains("softcap", StringComparison.Ordinal) => value.GetValue<float>(),
        _ => (uint)value.GetValue<int>(),
    };
}

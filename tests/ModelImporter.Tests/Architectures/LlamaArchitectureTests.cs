using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Tests.Architectures;

public sealed class LlamaArchitectureTests
{
    [Fact]
    public void Config_OldForm_IsReadWithItsDefaults()
    {
        var config = Read("""
            {"architectures":["LlamaForCausalLM"],"model_type":"llama",
             "hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,
             "num_attention_heads":32,
             "num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,"rms_norm_eps":1e-5,"rope_theta":500000.0,
             "tie_word_embeddings":true,"rope_scaling":{"rope_type":"llama3","factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
             "original_max_position_embeddings":8192}}
            """);

        Assert.Equal(64, config.Shape.HeadSize);
        Assert.Equal(new RotarySettings(500_000, RotaryScaling.Llama3, 32, 1, 4, 8192), config.Rotary);
        Assert.True(config.Shape.TiedEmbeddings);
        Assert.Equal(1_235_814_400, CheckpointReader.WeightsOf(config).Parameters(config.Shape));
    }

    [Fact]
    public void Config_NewForm_IsRead()
    {
        Assert.Equal(
            new RotarySettings(500_000, RotaryScaling.Llama3, 4, 1, 4, 64),
                CheckpointReader.ReadConfig(Fixture.Folder(Fixture.TiedLlama3Rope)).Rotary);
        var config = CheckpointReader.ReadConfig(Fixture.Folder(Fixture.UntiedHeadDim32));
        Assert.Equal(new RotarySettings(10_000, RotaryScaling.None), config.Rotary);
        Assert.Equal((32, true, true, false), (config.Shape.HeadSize, config.AttentionBias, config.MlpBias, config.Shape.TiedEmbeddings));
    }

    /// <summary>transformers goes by model_type, whatever architectures says.</summary>
    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"LlamaForCausalLM\"")]
    [InlineData("""["LlamaModel"]""")]
    [InlineData("""["MistralForCausalLM", "LlamaForCausalLM"]""")]
    public void Config_AnyArchitectures_IsReadByItsModelType(string architectures) =>
        Assert.Equal("LlamaForCausalLM", Read("architectures", architectures).Architecture);

    [Theory]
    [InlineData("internlm3", "{}")]
    [InlineData("gpt2", "{}")]
    [InlineData("Llama", "{}")]
    [InlineData("llama4_text", "{}")]
    [InlineData("", "{}")]
    public void Config_OtherModelType_IsRefusedByName(string type, string more)
    {
        var config = TiedConfig();
        config["model_type"] = type;
        foreach (var (field, value) in JsonNode.Parse(more)!.AsObject())
            config[field] = value?.DeepClone();

        Assert.Contains($"model_type is \"{type}\"", Fault(config), StringComparison.Ordinal);
    }

    /// <summary>What transformers 5.23 computes from each configuration: base, kind, factor, original context.</summary>
    [Theory]
    [InlineData("""{"rope_scaling":{"rope_type":"linear","factor":4},"rope_parameters":{"rope_type":"default","rope_theta":777}}""",
        10_000, "Linear", 4, 8192)]
    [InlineData("""{"rope_scaling":{},"rope_parameters":{"rope_type":"linear","factor":3}}""", 10_000, "Linear", 3, 8192)]
    [InlineData("""{"rope_scaling":null,"rope_parameters":{"type":"linear","factor":3}}""", 10_000, "Linear", 3, 8192)]
    [InlineData("""{"rope_scaling":[],"rope_parameters":null,"rope_theta":20}""", 20, "None", 1, 8192)]
    [InlineData("""{"rope_scaling":{"type":"dynamic","rope_type":"linear","factor":2},"rope_parameters":null}""",
        10_000, "Linear", 2, 8192)]
    [InlineData("""{"rope_theta":5000,"rope_parameters":{"rope_type":"default"}}""", 5000, "None", 1, 8192)]
    [InlineData("""{"rope_theta":5000,"rope_parameters":{"rope_theta":6000}}""", 6000, "None", 1, 8192)]
    [InlineData("""{"rope_theta":5000,"rope_scaling":{"rope_theta":6000,"type":"linear","factor":2.5},"""
        + """ "rope_parameters":{"rope_theta":7000}}""",
        6000, "Linear", 2.5, 8192)]
    [InlineData("""{"rope_parameters":{"factor":2}}""", 10_000, "None", 1, 8192)]
    [InlineData("""{"rope_parameters":{"rope_type":"default","partial_rotary_factor":0.5}}""", 10_000, "None", 1, 8192)]
    [InlineData("""{"rope_parameters":null,"partial_rotary_factor":0.5}""", 10_000, "None", 1, 8192)]
    [InlineData("""{"rope_parameters":{"type":"linear","factor":2,"partial_rotary_factor":1.0},"partial_rotary_factor":0.5}""",
        10_000, "Linear", 2, 8192)]
    [InlineData("""{"rope_parameters":{"type":"linear","factor":2,"mrope_section":[1]}}""", 10_000, "Linear", 2, 8192)]
    [InlineData("""{"rope_parameters":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"""
        + """ "original_max_position_embeddings":64},"original_max_position_embeddings":256}""", 10_000, "Llama3", 8, 256)]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"""
        + """ "original_max_position_embeddings":64}}""", 10_000, "Llama3", 8, 64)]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4}}""",
        10_000, "Llama3", 8, 512)]
    public void Config_PositionsSaidTwice_FollowTransformers(string fields, double theta, string scaling, double factor, int original)
    {
        var rotary = Read(WithFields(fields).ToJsonString()).Rotary!;

        Assert.Equal((theta, scaling, factor, original), (rotary.Theta, rotary.Scaling.ToString(), rotary.Factor, rotary.OriginalContext));
    }

    [Theory]
    [InlineData("""{"rope_parameters":{"rope_type":"unheard-of","factor":4.0}}""", "\"unheard-of\"")]
    [InlineData("""{"rope_parameters":{"rope_type":"dynamic"}}""", "rope_parameters.factor is missing")]
    [InlineData("""{"rope_parameters":{"rope_type":"longrope"}}""", "short_factor")]
    [InlineData("""{"rope_scaling":{"type":"su"}}""", "rope_scaling.type")]
    [InlineData("""{"rope_parameters":{"rope_type":"llama3"}}""", "rope_parameters.factor")]
    [InlineData("""{"rope_parameters":{"rope_type":"linear"}}""", "rope_parameters.factor is missing")]
    [InlineData("""{"rope_parameters":{"rope_type":"linear","factor":"4"}}""", "rope_parameters.factor")]
    [InlineData("""{"rope_parameters":{"rope_type":"linear","factor":null}}""", "rope_parameters.factor")]
    [InlineData("""{"rope_parameters":{"rope_type":null,"type":"linear","factor":2}}""", "rope_parameters.rope_type is null")]
    [InlineData("""{"rope_parameters":{"rope_type":"default","rope_theta":null}}""", "rope_parameters.rope_theta is null")]
    [InlineData("""{"rope_theta":null}""", "rope_theta is null")]
    [InlineData("""{"rope_theta":"5000"}""", "rope_theta")]
    [InlineData("""{"rope_scaling":"linear"}""", "rope_scaling")]
    [InlineData("""{"rope_parameters":7}""", "rope_parameters")]
    [InlineData("""{"rope_parameters":{"full_attention":{"rope_type":"linear","factor":2}}}""", "by layer type")]
    [InlineData("""{"rope_parameters":{"type":"linear","factor":2,"partial_rotary_factor":0.5}}""", "partial_rotary_factor")]
    [InlineData("""{"rope_parameters":{"type":"linear","factor":2},"partial_rotary_factor":0.5}""", "partial_rotary_factor")]
    [InlineData("""{"original_max_position_embeddings":null}""", "original_max_position_embeddings is null")]
    public void Config_PositionsThatAreNotHonoured_AreRefusedByName(string fields, string named) =>
        Assert.Contains(named, Fault(WithFields(fields, keepRotary: !fields.Contains("rope_p", StringComparison.Ordinal))),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("hidden_act", "\"swish\"")]
    [InlineData("head_dim", "null")]
    [InlineData("layer_types", """["full_attention","attention","full_attention"]""")]
    [InlineData("sliding_window", "null")]
    [InlineData("is_causal", "true")]
    [InlineData("pretraining_tp", "4")]
    [InlineData("quantization_config", "null")]
    [InlineData("rope_interleaved", "false")]
    [InlineData("embedding_multiplier", "null")]
    public void Config_FieldThatChangesNothing_IsAccepted(string field, string value)
    {
        var config = Read(field, value);

        Assert.Equal((16, 0), (config.Shape.HeadSize, config.Notes.Count));
    }

    [Theory]
    [InlineData("attention_multiplier", "0.5")]
    [InlineData("no_rope_layers", "[1, 0]")]
    [InlineData("auto_map", """{"AutoModelForCausalLM":"modeling.My"}""")]
    public void Config_FieldThatTransformersLlamaDoesNotRead_IsNamedInANote(string field, string value) =>
        Assert.Contains(field, Assert.Single(Read(field, value).Notes), StringComparison.Ordinal);

    /// <summary>The defaults of transformers' LlamaConfig.</summary>
    [Fact]
    public void Config_MissingFields_HaveTheirDefaults()
    {
        var config = Read("""{"model_type":"llama"}""");

        Assert.Equal(new Parley.PackageFormat.ModelShape(32, 4096, 11_008, 32, 32, 128, 32_000, 2048, false), config.Shape);
        Assert.Equal((1e-6f, new RotarySettings(10_000, RotaryScaling.None), false, false),
            (config.Norm.Epsilon, config.Rotary, config.AttentionBias, config.MlpBias));
    }

    [Theory]
    [InlineData("model_type", "null", "model_type is missing")]
    [InlineData("model_type", "7", "model_type")]
    [InlineData("hidden_act", "\"mish\"", "mish")]
    [InlineData("hidden_act", "null", "hidden_act is null")]
    [InlineData("hidden_size", "0", "hidden_size")]
    [InlineData("hidden_size", "\"64\"", "hidden_size")]
    [InlineData("hidden_size", "null", "hidden_size is null")]
    [InlineData("intermediate_size", "-1", "intermediate_size")]
    [InlineData("num_hidden_layers", "1e30", "num_hidden_layers")]
    [InlineData("num_key_value_heads", "3", "num_key_value_heads")]
    [InlineData("head_dim", "10", "head_dim")]
    [InlineData("head_dim", "0", "head_dim")]
    [InlineData("rms_norm_eps", "0", "rms_norm_eps")]
    [InlineData("rms_norm_eps", "null", "rms_norm_eps is null")]
    [InlineData("max_position_embeddings", "null", "max_position_embeddings is null")]
    [InlineData("tie_word_embeddings", "\"yes\"", "tie_word_embeddings")]
    [InlineData("tie_word_embeddings", "null", "tie_word_embeddings is null")]
    [InlineData("attention_bias", "null", "attention_bias is null")]
    [InlineData("quantization_config", """{"bits":4}""", "quantization_config")]
    [InlineData("per_layer_config", """{"0":{"hidden_act":"relu"}}""", "per_layer_config")]
    [InlineData("text_config", """{"hidden_size":32}""", "text_config")]
    [InlineData("is_encoder_decoder", "true", "is_encoder_decoder")]
    [InlineData("is_causal", "false", "is_causal")]
    [InlineData("is_causal", "null", "is_causal is null")]
    [InlineData("sliding_window", "16", "sliding_window")]
    [InlineData("attention_chunk_size", "16", "attention_chunk_size")]
    [InlineData("layer_types", """["full_attention","sliding_attention","full_attention"]""", "sliding_attention")]
    public void Config_UnusableField_IsRefusedByName(string field, string value, string named)
    {
        var config = TiedConfig();
        config[field] = JsonNode.Parse(value);

        Assert.Contains(named, Fault(config), StringComparison.Ordinal);
    }

    private static JsonObject TiedConfig() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Fixture.Folder(Fixture.TiedLlama3Rope), "config.json")))!.AsObject();

    /// <summary>The fixture's configuration with other fields, and without what it says of positions itself.</summary>
    private static JsonObject WithFields(string fields, bool keepRotary = false)
    {
        var config = TiedConfig();
        if (!keepRotary)
            config.Remove("rope_parameters");
        foreach (var (field, value) in JsonNode.Parse(fields)!.AsObject())
            config[field] = value?.DeepClone();
        return config;
    }

    private static string Fault(JsonObject config) => Assert.Throws<InvalidDataException>(() => Read(config.ToJsonString())).Message;

    private static DecoderConfig Read(string field, string value)
    {
        var config = TiedConfig();
        config[field] = JsonNode.Parse(value);
        return Read(config.ToJsonString());
    }

    private static DecoderConfig Read(string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), json);
        return CheckpointReader.ReadConfig(folder.Path);
    }
}

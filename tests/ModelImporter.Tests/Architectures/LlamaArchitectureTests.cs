using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Tests.Architectures;

public sealed class LlamaArchitectureTests
{
    [Fact]
    public void Config_OldForm_IsReadWithItsDefaults()
    {
        var config = Read("""
            {"architectures":["LlamaForCausalLM"],"hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,
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

    [Theory]
    [InlineData("architectures", """["GPT2LMHeadModel"]""", "GPT2LMHeadModel")]
    [InlineData("architectures", "null", "missing")]
    [InlineData("architectures", "[1]", "architectures")]
    [InlineData("hidden_act", "\"gelu\"", "gelu")]
    [InlineData("hidden_size", "0", "hidden_size")]
    [InlineData("hidden_size", "\"64\"", "hidden_size")]
    [InlineData("hidden_size", "null", "hidden_size is missing")]
    [InlineData("intermediate_size", "-1", "intermediate_size")]
    [InlineData("num_hidden_layers", "1e30", "num_hidden_layers")]
    [InlineData("num_key_value_heads", "3", "num_key_value_heads")]
    [InlineData("head_dim", "10", "head_dim")]
    [InlineData("rms_norm_eps", "0", "rms_norm_eps")]
    [InlineData("rope_parameters", """{"rope_type":"yarn","factor":4.0}""", "yarn")]
    [InlineData("rope_parameters", """{"rope_type":"llama3"}""", "rope_parameters.factor")]
    [InlineData("rope_parameters", "7", "rope_parameters")]
    [InlineData("tie_word_embeddings", "\"yes\"", "tie_word_embeddings")]
    [InlineData("quantization_config", """{"bits":4}""", "quantization_config")]
    public void Config_UnusableField_IsRefusedByName(string field, string value, string named)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixture.Folder(Fixture.TiedLlama3Rope), "config.json")))!.AsObject();
        config[field] = JsonNode.Parse(value);

        Assert.Contains(named, Assert.Throws<InvalidDataException>(() => Read(config.ToJsonString())).Message, StringComparison.Ordinal);
    }

    private static DecoderConfig Read(string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), json);
        return CheckpointReader.ReadConfig(folder.Path);
    }
}

using System.Text.Json.Nodes;
using Parley.Generator.Model;
using Parley.ModelImporter.Architectures;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests;

/// <summary>
/// Which ids end an answer of an imported package: as transformers 5.23 has them of the same configuration
/// (<c>GenerationConfig.from_model_config</c>), wherever they stand.
/// </summary>
public sealed class EndTests
{
    private static readonly string Multimodal = Shared.Fixture("hf", "gemma3-in-multimodal");

    /// <summary>eos_token_id at top level, in text_config and in generation_config.json; "-" is no such key, and no such file.</summary>
    [Theory]
    [InlineData("[377, 383]", "[377, 383]", "[377]", "377")]
    [InlineData("7", "[3, 4]", "-", "7")]
    [InlineData("-", "[3, 4]", "-", "3 4")]
    [InlineData("null", "[3, 4]", "-", "3 4")]
    [InlineData("-", "5", "null", "5")]
    [InlineData("-", "null", "-", "")]
    [InlineData("-", "-", "-", "1")]
    public void Import_OfAMultimodalCheckpoint_EndsWhereTransformersDoes(string top, string text, string generation, string expected)
    {
        using var folder = new TemporaryFolder();
        var source = Copy(folder, top, text);
        if (generation == "-")
            File.Delete(source.FileOf("generation_config.json"));
        else
            source.Set("eos_token_id", generation, "generation_config.json");

        Assert.Equal(expected, Ends(folder, source.Path));
    }

    [Fact]
    public void Import_GenerationFieldsOfTextConfigAlone_AreThePackages()
    {
        using var folder = new TemporaryFolder();
        var source = Copy(folder, "-", "5", ("do_sample", "true"), ("temperature", "0.25"), ("top_k", "7"));
        source.Set("top_k", "9");
        File.Delete(source.FileOf("generation_config.json"));

        var defaults = Read(folder, source.Path);

        Assert.Equal((true, 0.25f, 9), (defaults.DoSample, defaults.Temperature, defaults.TopK));
    }

    [Fact]
    public void Import_GenerationFileWithoutAnEnd_KeepsItsOtherFields()
    {
        using var folder = new TemporaryFolder();
        var source = Copy(folder, "-", "5", ("temperature", "0.25")).Set("eos_token_id", null, "generation_config.json")
            .Set("do_sample", "true", "generation_config.json").Set("top_k", "7", "generation_config.json");

        var defaults = Read(folder, source.Path);

        Assert.Equal([5u], defaults.EosTokenIds);
        Assert.Equal((true, 1f, 7), (defaults.DoSample, defaults.Temperature, defaults.TopK));
    }

    [Theory]
    [InlineData("-", "2")]
    [InlineData("null", "")]
    public void Import_OfATextModelWithoutAnEnd_HasThatOfItsClass(string ids, string expected)
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Set("eos_token_id", ids == "-" ? null : ids);
        File.Delete(source.FileOf("generation_config.json"));

        Assert.Equal(expected, Ends(folder, source.Path));
    }

    [Fact]
    public void Import_EndOfTextConfigBeyondTheVocabulary_NamesTheField()
    {
        using var folder = new TemporaryFolder();
        var source = Copy(folder, "-", "384");

        var message = Assert.Throws<InvalidDataException>(() => Read(folder, source.Path)).Message;

        Assert.Contains("text_config.eos_token_id is 384", message, StringComparison.Ordinal);
    }

    /// <summary>Those of the configuration classes of transformers 5.23; of the families that are not named it is 2.</summary>
    [Fact]
    public void ClassEnds_OfEveryFamily_AreThoseOfTransformers()
    {
        var expected = new Dictionary<string, string>
        {
            ["qwen2"] = "",
            ["qwen3"] = "",
            ["qwen3_moe"] = "",
            ["qwen3_5_text"] = "",
            ["qwen3_5_moe_text"] = "",
            ["qwen3_next"] = "",
            ["glm4_moe"] = "",
            ["glm4_moe_lite"] = "1",
            ["deepseek_v3"] = "1",
            ["gpt_oss"] = "",
            ["phi3"] = "32000",
            ["gemma"] = "1",
            ["gemma2"] = "1",
            ["gemma3_text"] = "1",
            ["smollm3"] = "128001",
            ["lfm3"] = "124900",
            ["olmo"] = "50279",
            ["olmo2"] = "50279",
            ["olmo3"] = "50279",
            ["olmoe"] = "50279",
            ["cohere"] = "255001",
            ["cohere2"] = "255001",
            ["glm"] = "151329 151336 151338",
            ["glm4"] = "151329 151336 151338",
            ["arcee"] = "128001",
            ["stablelm"] = "0",
            ["starcoder2"] = "50256",
            ["nemotron"] = "3",
            ["jais2"] = "150024",
            ["granite_swa"] = "100257",
            ["gemma4_text"] = "1",
        };

        Assert.All(CheckpointReader.Known, family =>
            Assert.Equal(expected.GetValueOrDefault(family.ModelType, "2"), string.Join(' ', family.ClassEnds)));
    }

    private static CheckpointCopy Copy(TemporaryFolder folder, string top, string text, params (string Field, string Json)[] more)
    {
        var source = new CheckpointCopy(folder, Multimodal).Set("eos_token_id", top == "-" ? null : top);
        var config = JsonNode.Parse(File.ReadAllText(source.FileOf(ConfigFile.Name)))!["text_config"]!.AsObject();
        config.Remove("eos_token_id");
        if (text != "-")
            config["eos_token_id"] = JsonNode.Parse(text);
        foreach (var (field, json) in more)
            config[field] = JsonNode.Parse(json);
        return source.Set("text_config", config.ToJsonString());
    }

    private static string Ends(TemporaryFolder folder, string source) => string.Join(' ', Read(folder, source).EosTokenIds);

    private static GenerationDefaults Read(TemporaryFolder folder, string source)
    {
        var package = ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package"), Precision = "fp32" }).Path;
        var opened = ModelPackage.Open(package);
        Assert.Equal(source.EndsWith("source", StringComparison.Ordinal) && File.ReadAllText(Path.Combine(source, ConfigFile.Name))
            .Contains("vision_config", StringComparison.Ordinal), opened.WithoutVision);
        return opened.Defaults;
    }
}

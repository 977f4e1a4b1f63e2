using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf;
using Parley.TestSupport;
using Parley.Tokenizer;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>What lies beside a GGUF file and says a part: the file says the rest; and in a repository its root may say it.</summary>
public sealed class GgufBesideTests
{
    private static readonly string Commit = new('a', 40);

    /// <summary>Stubs as GGUF repositories have them: with the model's type, or with nothing that says a size.</summary>
    [Theory]
    [InlineData("""{"model_type": "llama"}""")]
    [InlineData("""{"architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16"}""")]
    [InlineData("{}")]
    public void Import_BesideAStub_IsTheSameAsOfTheFileAlone(string stub)
    {
        using var folder = new TemporaryFolder();
        var alone = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32);
        var beside = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32, target: "beside");
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(beside)!, "config.json"), stub);

        Import(alone, folder.File("a"));
        var notes = Import(beside, folder.File("b"));

        Assert.Equal(File.ReadAllBytes(folder.File("a/model.data")), File.ReadAllBytes(folder.File("b/model.data")));
        Assert.Equal(File.ReadAllBytes(folder.File("a/model.onnx")), File.ReadAllBytes(folder.File("b/model.onnx")));
        using var config = JsonDocument.Parse(File.ReadAllBytes(folder.File("b/config.json")));
        Assert.Equal("llama", config.RootElement.GetProperty("model_type").GetString());
        Assert.Equal(384, config.RootElement.GetProperty("vocab_size").GetInt32());
        // Its silence about windows means nothing.
        Assert.Contains(notes, note => note.Contains("window", StringComparison.Ordinal));
        Assert.Equal(config.RootElement.GetProperty("hidden_size").GetInt32(), CheckpointReader.ReadConfig(beside).Shape.HiddenSize);
    }

    /// <summary>A stub does not say how positions are scaled: the file's own divisors are used; a whole one does, and wins.</summary>
    [Theory]
    [InlineData("""{"model_type": "llama"}""", true)]
    [InlineData("""{"model_type": "llama", "rope_scaling": null}""", false)]
    public void Frequencies_BesideAStub_AreDividedAsTheFileSays(string stub, bool divided)
    {
        using var folder = new TemporaryFolder();
        var source = Path.Combine(folder.Path, "model.gguf");
        File.Copy(Shared.Fixture("gguf", "llama-tied-llama3rope.gguf"), source);
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), stub);

        using var checkpoint = CheckpointReader.Open(source);

        Assert.Equal(divided, checkpoint.Config.Rotary!.Divisors is not null);
        Assert.Equal(!divided, checkpoint.Config.Notes.Any(note => note.Contains("frequencies of positions", StringComparison.Ordinal)));
    }

    /// <summary>Sizes of one model beside the weights of another: heads would not be found out by any shape.</summary>
    [Theory]
    [InlineData("num_attention_heads", 1, "num_attention_heads is 1, but")]
    [InlineData("num_hidden_layers", 1, "num_hidden_layers is 1, but")]
    [InlineData("head_dim", 64, "head_dim is 64, but")]
    [InlineData("vocab_size", 400, "vocab_size is 400, but")]
    public void Import_BesideAConfigurationOfOtherSizes_NamesTheField(string field, int value, string named)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true, _ => GgufType.F32);
        Change(source, "config.json", config =>
        {
            config[field] = value;
            if (field == "num_attention_heads")
                config["num_key_value_heads"] = 1;
        });

        var exception = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(source));

        Assert.Contains("config.json: " + named, exception.Message, StringComparison.Ordinal);
        Assert.Contains("model.gguf says", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>What no shape tells, and both say: the model's own file is followed, and the import says so.</summary>
    [Theory]
    [InlineData("rms_norm_eps", 1e-3, "rms_norm_eps is 0.001 in config.json")]
    [InlineData("rope_parameters", 5e5, "frequencies of positions")]
    public void Import_BesideAConfigurationThatSaysOtherwise_NotesIt(string field, double value, string named)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true, _ => GgufType.F32);
        Assert.DoesNotContain(Import(source, folder.File("same")), note => note.Contains(named[..12], StringComparison.Ordinal));
        Change(source, "config.json", config => config[field] = field == "rope_parameters"
            ? new JsonObject { ["rope_type"] = "default", ["rope_theta"] = value } : value);

        var notes = Import(source, folder.File("other"));

        Assert.Contains(notes, note => note.Contains(named, StringComparison.Ordinal));
    }

    /// <summary>A generation_config.json without ends, beside a config.json without them: the file's own are added.</summary>
    [Fact]
    public void Ends_OfAnAnswer_FillAStubOfGeneration()
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32,
            more: writer => writer.Add("tokenizer.ggml.eos_token_id", 5u));
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(source)!, "generation_config.json"), """{"temperature": 0.25}""");

        Import(source, folder.File("package"));

        var generation = JsonNode.Parse(File.ReadAllText(folder.File("package/generation_config.json")))!;
        Assert.Equal("[5]", generation["eos_token_id"]!.ToJsonString());
        Assert.Equal(0.25, generation["temperature"]!.GetValue<double>());
    }

    /// <summary>A tokenizer_config.json that says little keeps it, and gets the template and the named tokens of the file.</summary>
    [Theory]
    [InlineData("""{"model_max_length": 77}""", "default")]
    [InlineData("""{"model_max_length": 77, "chat_template": "mine"}""", "mine")]
    public void TokenizerConfig_ThatIsAStub_IsFilled(string stub, string template)
    {
        using var folder = new TemporaryFolder();
        var source = Alone(folder);
        var own = ReadTemplate(source, folder.File("own"));
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(source)!, "tokenizer_config.json"), stub);

        ModelImport.WriteSmallFiles(source, Directory.CreateDirectory(folder.File("small")).FullName);

        var config = JsonNode.Parse(File.ReadAllText(folder.File("small/tokenizer_config.json")))!;
        Assert.Equal(77, config["model_max_length"]!.GetValue<int>());
        Assert.Equal(template == "default" ? own : template, config["chat_template"]!.GetValue<string>());
        Assert.Equal("</s>", config["eos_token"]!.GetValue<string>());
    }

    /// <summary>A tokenizer alone beside the file has no template of its own: without the file's nobody could chat.</summary>
    [Fact]
    public void Template_BesideATokenizerWithoutOne_IsThatOfTheFile()
    {
        using var folder = new TemporaryFolder();
        var source = Alone(folder);
        var own = ReadTemplate(source, folder.File("own"));
        var target = Path.GetDirectoryName(source)!;
        File.Copy(folder.File("own/tokenizer.json"), Path.Combine(target, "tokenizer.json"));
        ModelImport.WriteSmallFiles(source, Directory.CreateDirectory(folder.File("without")).FullName);
        File.WriteAllText(Path.Combine(target, "tokenizer_config.json"), """{"tokenizer_class": "PreTrainedTokenizerFast"}""");
        ModelImport.WriteSmallFiles(source, Directory.CreateDirectory(folder.File("with")).FullName);

        Assert.Equal(own, TemplateOf(folder.File("without")));
        Assert.Equal(own, File.ReadAllText(folder.File("with/chat_template.jinja")));
        var tokenizer = TokenizerModel.Load(new TokenizerOptions { PackageDirectory = folder.File("with") }, TimeProvider.System);
        Assert.Equal(["default"], tokenizer.TemplateNames);
    }

    /// <summary>In a repository of the cache the root describes what lies in its folders; a tokenizer beside the file wins whole.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Import_FromAFolderOfARepository_TakesTheRootsDescription(bool tokenizerBeside)
    {
        using var folder = new TemporaryFolder();
        var alone = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true, _ => GgufType.F32);
        var root = Directory.CreateDirectory(folder.File($"models--org--m/snapshots/{Commit}")).FullName;
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(alone)!, "*.j*"))
            File.Copy(file, Path.Combine(root, Path.GetFileName(file)));
        var source = Path.Combine(Directory.CreateDirectory(Path.Combine(root, "gguf", "Q4_K_M")).FullName, "model.gguf");
        File.Copy(alone, source);
        if (tokenizerBeside)
            File.Copy(Path.Combine(root, "tokenizer.json"), Path.Combine(Path.GetDirectoryName(source)!, "tokenizer.json"));

        Import(alone, folder.File("a"));
        Import(source, folder.File("b"));

        Assert.Equal(File.ReadAllBytes(folder.File("a/tokenizer.json")), File.ReadAllBytes(folder.File("b/tokenizer.json")));
        Assert.Equal(File.ReadAllBytes(folder.File("a/model.data")), File.ReadAllBytes(folder.File("b/model.data")));
        Assert.Equal(!tokenizerBeside, File.Exists(folder.File("b/tokenizer_config.json")));
        Assert.Equal(!tokenizerBeside, ModelImport.SourceFiles(source).Contains(Path.Combine(root, "tokenizer.json")));
        Assert.Equal(Commit, JsonNode.Parse(File.ReadAllText(folder.File("b/parley.json")))!["sourceRevision"]!.GetValue<string>());
        Assert.Contains(ModelImporter.Inspection.ModelTree.Read(source).Files, file => file.Name == "config.json");
    }

    /// <summary>A folder of a user's own is no repository: what lies above it is not his model's.</summary>
    [Fact]
    public void Import_FromAPlainFolder_TakesNothingFromAbove()
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true, _ => GgufType.F32);
        var below = Path.Combine(Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(source)!, "Q4_K_M")).FullName, "model.gguf");
        File.Copy(source, below);

        Assert.Equal([below], ModelImport.SourceFiles(below));
    }

    private static string Alone(TemporaryFolder folder)
    {
        var source = Path.Combine(Directory.CreateDirectory(folder.File("source")).FullName, "model.gguf");
        File.Copy(Shared.Fixture("gguf", "llama-spm.gguf"), source);
        return source;
    }

    private static string ReadTemplate(string source, string target)
    {
        ModelImport.WriteSmallFiles(source, Directory.CreateDirectory(target).FullName);
        return TemplateOf(target);
    }

    private static string TemplateOf(string folder) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer_config.json")))!["chat_template"]!.GetValue<string>();

    private static void Change(string source, string name, Action<JsonObject> change)
    {
        var path = Path.Combine(Path.GetDirectoryName(source)!, name);
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    private static IReadOnlyList<string> Import(string source, string destination) =>
        ModelImport.Run(new ImportOptions { Source = source, Destination = destination, Precision = "fp32" }).Notes;
}

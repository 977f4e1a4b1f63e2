using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Parley.Generator.Model;
using Parley.Generator.Tests.Execution;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Model;

/// <summary>Opening a package: what is read, and that every fault is named.</summary>
public sealed class ModelPackageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ModelPackageTests()
    {
        Write("model.onnx", "graph");
        Write("tokenizer.json", "{}");
        Write("config.json", """{"eos_token_id": 3}""");
        WriteGeneration("""{"eos_token_id": [1, 2], "do_sample": true, "temperature": 0.6, "top_p": 0.9}""");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_Llama_SamplesAsTransformersDoes()
    {
        var package = Open();

        Assert.Equal([1u, 2u], package.Defaults.EosTokenIds);
        Assert.True(package.Defaults.DoSample);
        Assert.Equal((0.6f, 50, 0.9f), (package.Defaults.Temperature, package.Defaults.TopK, package.Defaults.TopP));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("{}"u8)), package.TokenizerSha256);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(PathOf(ModelManifest.FileName)))), package.PackageSha256);
    }

    [Fact]
    public void Open_WithoutDoSample_IsGreedyButPenalised()
    {
        WriteGeneration("""{"temperature": 0.6, "top_k": 20, "repetition_penalty": 1.2, "eos_token_id": null}""");

        var defaults = Open().Defaults;

        Assert.False(defaults.DoSample);
        Assert.Equal((0f, 0, 1f, 1.2f), (defaults.Temperature, defaults.TopK, defaults.TopP, defaults.RepetitionPenalty));
        Assert.Equal([3u], defaults.EosTokenIds);
    }

    [Theory]
    [InlineData("""{"eos_token_id": 3, "vision_config": {"hidden_size": 16}}""", true)]
    [InlineData("""{"eos_token_id": 3, "vision_config": null}""", false)]
    [InlineData("""{"eos_token_id": 3}""", false)]
    public void Open_ConfigWithATowerForImages_SaysThatThePackageHasNone(string config, bool expected)
    {
        Write("config.json", config);

        Assert.Equal(expected, Open().WithoutVision);
    }

    [Fact]
    public void Open_ExplicitTopK_IsKept()
    {
        WriteGeneration("""{"do_sample": true, "top_k": 0}""");

        Assert.Equal((1f, 0), (Open().Defaults.Temperature, Open().Defaults.TopK));
    }

    [Fact]
    public void Open_WithoutGenerationConfig_TakesEosFromTheConfig()
    {
        File.Delete(PathOf("generation_config.json"));

        Assert.Equal([3u], Open().Defaults.EosTokenIds);
    }

    [Theory]
    [InlineData("""{"do_sample": true, "temperature": "hot"}""", "temperature is \"hot\"")]
    [InlineData("""{"do_sample": true, "top_p": 1.5}""", "top_p is 1.5")]
    [InlineData("""{"do_sample": 1}""", "do_sample is 1")]
    [InlineData("""{"eos_token_id": [1, 50]}""", "eos_token_id is 50")]
    [InlineData("""{"no_repeat_ngram_size": -1}""", "no_repeat_ngram_size is -1")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{", "generation_config.json")]
    public void Open_BrokenGenerationConfig_NamesFileAndField(string json, string expected)
    {
        WriteGeneration(json);

        var exception = Assert.Throws<InvalidDataException>(() => Open());

        Assert.Contains("generation_config.json", exception.Message, StringComparison.Ordinal);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingFile_IsNamed()
    {
        WriteManifest();
        File.Delete(PathOf("model.onnx"));

        AssertFault("model.onnx: the file is missing");
    }

    [Fact]
    public void Open_FileOfAnotherLength_IsNamed()
    {
        WriteManifest();
        Write("model.onnx", "cut");

        AssertFault("has 3 bytes, parley.json says 5");
    }

    [Fact]
    public void Open_ChangedFile_IsFoundByItsHashOnly()
    {
        WriteManifest();
        Write("model.onnx", "grapH");

        Assert.NotNull(ModelPackage.Open(_folder.Path));
        var exception = Assert.Throws<InvalidDataException>(() => ModelPackage.Open(_folder.Path, verifyHashes: true));
        Assert.Contains("SHA-256", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LinkedFile_IsMeasuredAtItsTarget()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        WriteManifest();
        using var elsewhere = new TemporaryFolder();
        var target = Path.Combine(elsewhere.Path, "graph");
        File.Move(PathOf("model.onnx"), target);
        File.CreateSymbolicLink(PathOf("model.onnx"), target);

        Assert.NotNull(ModelPackage.Open(_folder.Path));
    }

    [Theory]
    [InlineData("../model.onnx")]
    [InlineData("")]
    [InlineData("additional_chat_templates/../model.onnx")]
    [InlineData("additional_chat_templates/a/b.jinja")]
    [InlineData("additional_chat_templates/..jinja/../x.jinja")]
    [InlineData("other/x.jinja")]
    public void Open_FileOutsideThePackage_IsRefused(string name)
    {
        WriteManifest(manifest => manifest with
        {
            Files = new Dictionary<string, PackageFile>(manifest.Files) { [name] = new(5, new string('0', 64)) },
        });

        AssertFault("not a file of the package");
    }

    [Fact]
    public void Open_FurtherChatTemplate_IsOneOfItsFiles()
    {
        const string Name = "additional_chat_templates/rag.jinja";
        Directory.CreateDirectory(PathOf("additional_chat_templates"));
        Write(Name, "{{ messages }}");
        var file = new PackageFile(14, Convert.ToHexStringLower(SHA256.HashData("{{ messages }}"u8)));
        WriteManifest(manifest => manifest with
        {
            Files = new Dictionary<string, PackageFile>(manifest.Files) { [Name] = file },
        });
        Assert.NotNull(ModelPackage.Open(_folder.Path, verifyHashes: true));
        Write(Name, "{{ messagez }}");
        Assert.Contains(Name, Assert.Throws<InvalidDataException>(
            () => ModelPackage.Open(_folder.Path, verifyHashes: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_HeadsThatDoNotDivide_NamesTheField()
    {
        WriteManifest(manifest => manifest with { Shape = manifest.Shape with { KeyValueHeads = 4 } });

        AssertFault("shape.queryHeads 6");
    }

    [Theory]
    [InlineData(0, 4, 16, "not a multiple of shape.otherHeads[0].keyValueHeads 4")]
    [InlineData(0, 2, 24, "shape.otherHeads[0].headSize 24")]
    [InlineData(2, 2, 16, "shape.otherHeads[0].layer is 2")]
    [InlineData(-1, 2, 16, "shape.otherHeads[0].layer is -1")]
    [InlineData(0, 0, 16, "shape.otherHeads[0].keyValueHeads is 0")]
    [InlineData(0, 2, 1 << 28, "shape.otherHeads[0].keyValueHeads is 2 and headSize 268435456")]
    public void Open_HeadsOfALayerThatDoNotFit_NamesTheField(int layer, int heads, int size, string fault)
    {
        WriteManifest(manifest => manifest with { Shape = manifest.Shape with { OtherHeads = [new LayerHeads(layer, heads, size)] } });

        AssertFault(fault);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1L << 40)]
    public void Open_RowBytesThatAreNoPartOfTheWeights_NamesTheField(long bytes)
    {
        WriteManifest(manifest => manifest with { RowBytes = bytes });

        AssertFault($"rowBytes is {bytes}");
    }

    [Fact]
    public void Open_AWidestMlpThatIsNotWider_NamesTheField()
    {
        WriteManifest(manifest => manifest with { Shape = manifest.Shape with { WidestMlp = manifest.Shape.IntermediateSize } });

        AssertFault("shape.widestMlp is");
    }

    [Fact]
    public void Open_ManifestWithoutTokenizer_SaysSo()
    {
        WriteManifest(manifest => manifest with
        {
            Files = manifest.Files.Where(file => file.Key != "tokenizer.json").ToDictionary(file => file.Key, file => file.Value),
        });

        AssertFault("does not list tokenizer.json");
    }

    [Fact]
    public void Open_AnotherTokenizerOfTheSameLength_IsFoundAtEachStart()
    {
        WriteManifest();
        var text = File.ReadAllText(PathOf("tokenizer.json"));
        Write("tokenizer.json", text[..^1] + (text[^1] == ' ' ? '\n' : ' '));

        AssertFault("tokenizer.json: the SHA-256 is");
    }

    [Fact]
    public void Open_ShapeBeyondAnyModel_NamesIt()
    {
        WriteManifest(manifest => manifest with { Shape = manifest.Shape with { Layers = int.MaxValue } });

        AssertFault("shape gives a token 2147483647 layers");
    }

    [Theory]
    [InlineData(0, "convolution", 2, 48, null)]
    [InlineData(2, "convolution", 2, 48, "no layer from 0 to 1")]
    [InlineData(-1, "convolution", 2, 48, "shape.states has an entry")]
    [InlineData(0, "", 2, 48, "shape.states has an entry")]
    [InlineData(0, "../state", 2, 48, "shape.states has an entry")]
    [InlineData(0, "convolution", 0, 48, "shape.states has an entry")]
    [InlineData(0, "convolution", int.MaxValue, int.MaxValue, "more than 268435456 numbers")]
    public void Open_States_AreCheckedByThemselves(int layer, string kind, int rows, int columns, string? fault)
    {
        WriteManifest(manifest => manifest with
        {
            Shape = manifest.Shape with { KeylessLayers = [0], States = [new StateShape(layer, kind, rows, columns)] },
        });

        if (fault is not null)
            AssertFault(fault);
        else
            Assert.Equal(2 * 48 * 4, ModelPackage.Open(_folder.Path).Shape.StateBytes);
    }

    [Fact]
    public void Open_StatesTwiceOrKeylessLayersThatAreNone_AreNamed()
    {
        var state = new StateShape(0, "convolution", 2, 48);
        WriteManifest(manifest => manifest with { Shape = manifest.Shape with { States = [state, state with { Rows = 3 }] } });
        AssertFault("two entries of one kind");
        WriteManifest(manifest => manifest with { Shape = manifest.Shape with { States = [] } });
        AssertFault("shape.states is empty");
        foreach (int[] keyless in new int[][] { [], [2], [-1], [0, 0], [0, 1] })
        {
            WriteManifest(manifest => manifest with { Shape = manifest.Shape with { KeylessLayers = keyless } });
            AssertFault("shape.keylessLayers");
        }
    }

    [Theory]
    [InlineData("[]", "not a JSON object")]
    [InlineData("\"a\"", "not a JSON object")]
    [InlineData("""{"formatVersion": "2"}""", "formatVersion")]
    public void Open_ManifestOfAnotherKind_NamesIt(string json, string expected)
    {
        Write(ModelManifest.FileName, json);

        AssertFault(expected);
    }

    /// <summary>Every value of the manifest in turn becomes one of another kind, and bytes are changed anywhere.</summary>
    [Fact]
    public void Open_DamagedManifest_IsReadOrRefused()
    {
        WriteManifest();
        var whole = File.ReadAllBytes(PathOf(ModelManifest.FileName));
        var random = new Random(1);
        var (read, refused) = (0, 0);
        for (var round = 0; round < 1_000; round++)
        {
            byte[] bytes = [.. whole];
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (round % 2 == 0)
                bytes = Encoding.UTF8.GetBytes(Mutate(JsonNode.Parse(whole)!, random).ToJsonString());
            File.WriteAllBytes(PathOf(ModelManifest.FileName), bytes);
            try
            {
                ModelPackage.Open(_folder.Path);
                read++;
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.True(read > 50 && refused > 300, $"{read} read, {refused} refused");
    }

    private static JsonNode Mutate(JsonNode root, Random random)
    {
        string[] values = ["null", "-1", "1e300", "9223372036854775807", "[]", "{}", "\"\"", "\"..\"", "true", "0.5"];
        var parent = root.AsObject();
        while (true)
        {
            var (key, value) = parent.ElementAt(random.Next(parent.Count));
            if (value is JsonObject { Count: > 0 } inner && random.Next(4) > 0)
            {
                parent = inner;
                continue;
            }

            parent[key] = JsonNode.Parse(values[random.Next(values.Length)]);
            return root;
        }
    }

    [Fact]
    public void Open_HuggingFaceFolder_PointsToTheImporter() => AssertFault("parley import");

    [Fact]
    public void Open_NoFolder_NamesIt() => Assert.Contains(
        "/nowhere", Assert.Throws<InvalidDataException>(() => ModelPackage.Open("/nowhere")).Message, StringComparison.Ordinal);

    private ModelPackage Open()
    {
        WriteManifest();
        return ModelPackage.Open(_folder.Path, verifyHashes: true);
    }

    private void AssertFault(string expected)
    {
        var exception = Assert.Throws<InvalidDataException>(() => ModelPackage.Open(_folder.Path));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    private void Write(string name, string text) => File.WriteAllText(PathOf(name), text);

    private void WriteGeneration(string json) => Write("generation_config.json", json);

    private void WriteManifest(Func<ModelManifest, ModelManifest>? change = null)
    {
        File.Delete(PathOf(ModelManifest.FileName));
        var manifest = TinyModel.Manifest() with
        {
            Files = Directory.GetFiles(_folder.Path).ToDictionary(
                path => Path.GetFileName(path),
                path => new PackageFile(new FileInfo(path).Length, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))))),
        };
        File.WriteAllText(PathOf(ModelManifest.FileName), (change?.Invoke(manifest) ?? manifest).ToJson(), new UTF8Encoding(false));
    }
}

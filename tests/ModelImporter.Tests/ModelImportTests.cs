using System.Security.Cryptography;
using System.Text;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Tests.Quantization;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests;

public sealed class ModelImportTests
{
    [Fact]
    public void Import_APackage_HasAManifestThatFitsItsFiles()
    {
        using var folder = new TemporaryFolder();
        var result = Import(folder, Fixture.TiedLlama3Rope, "int8");

        var manifest = ModelManifest.Parse(File.ReadAllText(Path.Combine(result.Path, "parley.json")), "parley.json");

        Assert.Equal((384, 300, "int8", result.SourceSha256),
            (manifest.Shape.VocabularySize, manifest.Shape.ContextTokensMax, manifest.Precision, manifest.SourceSha256));
        Assert.Equal(
            Directory.GetFiles(result.Path).Select(Path.GetFileName)
                .Where(name => name != "parley.json").Order(StringComparer.Ordinal), manifest.Files.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, file) in manifest.Files)
        {
            var bytes = File.ReadAllBytes(Path.Combine(result.Path, name));
            Assert.Equal(file, new PackageFile(bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes))));
        }

        Assert.Equal(result.Bytes, Directory.GetFiles(result.Path).Sum(path => new FileInfo(path).Length));
        Assert.Equal(154_048, result.Parameters);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(Fixture.Folder(Fixture.TiedLlama3Rope), "tokenizer.json")),
                File.ReadAllBytes(Path.Combine(result.Path, "tokenizer.json")));
    }

    [Fact]
    public void Import_FurtherChatTemplates_AreCarriedAndHashed()
    {
        using var folder = new TemporaryFolder();
        var source = CopySource(folder);
        var before = ModelImport.SourceHash(source);
        Directory.CreateDirectory(Path.Combine(source, "additional_chat_templates"));
        File.WriteAllText(Path.Combine(source, "additional_chat_templates", "rag.jinja"), "{{ documents }}");
        File.WriteAllText(Path.Combine(source, "additional_chat_templates", "notes.txt"), "no template");

        var result = ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package") });

        const string Name = "additional_chat_templates/rag.jinja";
        var manifest = ModelManifest.Parse(File.ReadAllText(Path.Combine(result.Path, "parley.json")), "parley.json");
        Assert.Equal(new PackageFile(15, Convert.ToHexStringLower(SHA256.HashData("{{ documents }}"u8))), manifest.Files[Name]);
        Assert.Equal("{{ documents }}", File.ReadAllText(Path.Combine(result.Path, Name)));
        Assert.DoesNotContain(manifest.Files.Keys, name => name.Contains("notes", StringComparison.Ordinal));
        Assert.NotEqual(before, result.SourceSha256);
    }

    [Fact]
    public void Import_TwiceOnAnyNumberOfThreads_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        foreach (var precision in ModelImport.Precisions)
        {
            var options = new ImportOptions { Source = Fixture.Folder(Fixture.UntiedHeadDim32), Destination = "", Precision = precision };
            var one = ModelImport.Run(options with { Destination = folder.File($"{precision}-1"), Parallelism = 1 });
            Assert.Equal(ModelImport.SourceHash(options.Source), one.SourceSha256);
            Assert.Equal(
                Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(one.Path, "model.data")))),
                ModelManifest.Parse(File.ReadAllText(Path.Combine(one.Path, "parley.json")), precision).Files["model.data"].Sha256);
            var two = ModelImport.Run(options with { Destination = folder.File($"{precision}-2"), Parallelism = 4 });
            Assert.Equal(File.ReadAllBytes(Path.Combine(one.Path, "parley.json")),
                File.ReadAllBytes(Path.Combine(two.Path, "parley.json")));
        }
    }

    [Theory]
    [InlineData("fp32", "MatMul", 12, "Gather", 3)]
    [InlineData("w8a8", "MatMulIntegerToFloat", 12, "QuantizedGather", 1)]
    [InlineData("int8", "QuantizedLinear", 6, "QuantizedGather", 1)]
    [InlineData("int8", "NormalizedLinear", 6, "QuantizedGather", 1)]
    [InlineData("int4", "QuantizedLinear", 6, "QuantizedGather", 1)]
    [InlineData("int4", "NormalizedLinear", 6, "QuantizedGather", 1)]
    [InlineData("int8", "MatMulNBits", 13, "GatherBlockQuantized", 1, "ort")]
    [InlineData("int4", "MatMulNBits", 13, "GatherBlockQuantized", 1, "ort")]
    public void Graph_EachPrecision_HasItsOperatorsAndAlignedData(
        string precision, string linear, int linears, string gather, int gathers, string whose = "own")
    {
        using var folder = new TemporaryFolder();
        var path = Import(folder, Fixture.TiedLlama3Rope, precision, whose).Path;
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(path, "model.onnx")));
        var dataBytes = new FileInfo(Path.Combine(path, "model.data")).Length;

        Assert.Equal(linears, model.Graph.Node.Count(node => node.OpType == linear));
        Assert.Equal(gathers, model.Graph.Node.Count(node => node.OpType == gather));
        Assert.Equal(3, model.Graph.Node.Count(node => (node.OpType, node.Domain) == ("PagedAttention", "ai.parley")));
        Assert.Equal((10, 21L), (model.IrVersion, model.OpsetImport.Single(opset => opset.Domain.Length == 0).Version));
        var quantizedHead = precision != "fp32" && whose == "own";
        Assert.Equal(quantizedHead ? 1 : 0, model.Graph.Node.Count(node => node.OpType == "QuantizedHead"));
        string[] best = quantizedHead ? ["logit_best"] : [];
        Assert.Equal(
            ["input_ids", "logit_rows", "cumulative_sequence_length", "past_seqlens", "block_table",
                "key_cache.0", "value_cache.0", "key_cache.1", "value_cache.1", "key_cache.2", "value_cache.2", .. best],
            model.Graph.Input.Select(input => input.Name));
        foreach (var tensor in model.Graph.Initializer.Where(tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External))
        {
            var external = tensor.ExternalData.ToDictionary(entry => entry.Key, entry => entry.Value);
            Assert.Equal("model.data", external["location"]);
            Assert.Equal(0, long.Parse(external["offset"]) % 4096);
            Assert.InRange(long.Parse(external["offset"]) + long.Parse(external["length"]), 1025, dataBytes);
        }

        Assert.All(model.Graph.Initializer.Where(tensor => tensor.HasRawData), tensor => Assert.InRange(tensor.RawData.Length, 1, 1024));
    }

    [Fact]
    public void Import_TiedQuantisedHead_SharesTheBytesOfTheEmbedding()
    {
        using var folder = new TemporaryFolder();
        var path = Import(folder, Fixture.TiedLlama3Rope, "int4").Path;
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(path, "model.onnx")));

        Assert.Equal("QuantizedGather", model.Graph.Node[0].OpType);
        Assert.Equal(["QuantizedHead", "logit_best"], [model.Graph.Node[^1].OpType, model.Graph.Node[^1].Input[3]]);
        Assert.Equal(model.Graph.Node[0].Input.Skip(1), model.Graph.Node[^1].Input.Skip(1).Take(2));
    }

    [Fact]
    public void Import_TiedQuantisedHeadOfOnnxRuntime_SharesTheBytesOfTheEmbedding()
    {
        using var folder = new TemporaryFolder();
        var path = Import(folder, Fixture.TiedLlama3Rope, "int4", "ort").Path;
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(path, "model.onnx")));
        var rows = model.Graph.Initializer.Single(tensor => tensor.Name == "embedding.rows");
        var head = model.Graph.Initializer.Single(tensor => tensor.Name == model.Graph.Node[^1].Input[1]);

        Assert.Equal([384, 64], rows.Dims);
        Assert.Equal([384, 1, 64], head.Dims);
        Assert.Equal(rows.ExternalData, head.ExternalData);
    }

    /// <summary>Every stored weight, read back through the layout, is within a step of the checkpoint's.</summary>
    [Theory]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Import_PackedWeights_ReadBackAsTheCheckpointHasThem(string precision)
    {
        using var folder = new TemporaryFolder();
        var path = Import(folder, Fixture.UntiedHeadDim32, precision).Path;
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(path, "model.onnx")));
        using var checkpoint = CheckpointReader.Open(Fixture.Folder(Fixture.UntiedHeadDim32));
        var linears = checkpoint.Weights.Layers.SelectMany(layer => layer.Linears).Append(checkpoint.Weights.Embedding)
            .Append(checkpoint.Weights.Head).ToList();
        foreach (var linear in linears)
        {
            var packed = new PackedTensor(model, path, linear.Name);
            var row = new float[linear.Inputs];
            for (var n = 0; n < linear.Outputs; n++)
            {
                linear.Read(checkpoint.Tensors, n, 0, row);
                for (var k = 0; k < row.Length; k++)
                {
                    var (weight, scale) = packed.Weight(n, k);
                    // The ends of a group of 4 bits may be cut off, by two steps at the most.
                    Assert.InRange(Math.Abs(weight - row[k]), 0, (packed.Bits == 8 ? 0.51 : 2) * scale);
                }
            }
        }
    }

    [Fact]
    public void Import_CancelledAtAnyReport_LeavesNothing()
    {
        using var folder = new TemporaryFolder();
        for (var report = 1; report < 200; report += 13)
        {
            using var source = new CancellationTokenSource();
            var count = 0;
            var progress = new Immediate(_ =>
            {
                if (++count == report)
                    source.Cancel();
            });
            var options = Options(folder, Fixture.TiedLlama3Rope, "w8a8");
            try
            {
                ModelImport.Run(options, progress, source.Token);
                break;
            }
            catch (OperationCanceledException)
            {
                Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
            }
        }
    }

    [Fact]
    public void Import_FailingMidway_LeavesNothing()
    {
        using var folder = new TemporaryFolder();
        var progress = new Immediate(progress =>
        {
            if (progress.Stage == "convert" && progress.BytesDone > progress.BytesTotal / 2)
                throw new IOException("No space left on device");
        });

        Assert.Throws<IOException>(() => ModelImport.Run(Options(folder, Fixture.TiedLlama3Rope, "fp32"), progress));

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Import_AfterAKilledOne_RemovesItsLeftovers()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File(".package.0123.importing"));
        File.WriteAllText(folder.File(".package.0123.importing.lock"), "");

        Import(folder, Fixture.TiedLlama3Rope, "int8");

        Assert.Equal([folder.File("package")], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task Import_TwoAtOnceToOnePlace_OneIsThereAndNothingElse()
    {
        using var folder = new TemporaryFolder();
        for (var round = 0; round < 8; round++)
        {
            var options = Options(folder, Fixture.TiedLlama3Rope, "int8");
            var imports = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                try
                {
                    return ModelImport.Run(options).Bytes;
                }
                catch (IOException exception)
                {
                    Assert.Contains("exists already", exception.Message, StringComparison.Ordinal);
                    return 0;
                }
            })).ToList();

            Assert.Single(await Task.WhenAll(imports), bytes => bytes > 0);
            Assert.Equal([folder.File("package")], Directory.EnumerateFileSystemEntries(folder.Path));
            Directory.Delete(folder.File("package"), recursive: true);
        }
    }

    [Fact]
    public void Import_OverAnythingThatExists_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Import(folder, Fixture.TiedLlama3Rope, "int8");
        Assert.Contains("exists already",
            Assert.Throws<IOException>(() => Import(folder, Fixture.TiedLlama3Rope, "int8")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.layers.1.self_attn.k_proj.weight", "xodel.layers.1.self_attn.k_proj.weight")]
    [InlineData("model.norm.weight", "model.nork.weight")]
    public void Import_RenamedTensor_IsNamedAsMissing(string missing, string renamed)
    {
        using var folder = new TemporaryFolder();
        var source = CopySource(folder);
        var weights = Path.Combine(source, "model.safetensors");
        var text = Encoding.Latin1.GetString(File.ReadAllBytes(weights)).Replace(missing, renamed, StringComparison.Ordinal);
        File.WriteAllBytes(weights, Encoding.Latin1.GetBytes(text));

        var exception = Assert.Throws<InvalidDataException>(
            () => ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package") }));

        Assert.Contains($"tensor {missing} is missing", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("w8a8")]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Import_WeightThatIsNotANumber_IsRefusedNamingTheTensor(string precision)
    {
        using var folder = new TemporaryFolder();
        var source = CopySource(folder);
        var weights = Path.Combine(source, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        // The last tensor but one of the file: a float of all ones is no number.
        bytes.AsSpan(bytes.Length - 1024, 4).Fill(0xFF);
        File.WriteAllBytes(weights, bytes);

        var exception = Assert.Throws<InvalidDataException>(
            () => ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package"), Precision = precision }));

        Assert.Contains("not a number", exception.Message, StringComparison.Ordinal);
        Assert.Equal([source], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("model.safetensors")]
    public void Import_SourceWithoutANecessaryFile_IsRefusedByItsName(string missing)
    {
        using var folder = new TemporaryFolder();
        var source = CopySource(folder);
        File.Delete(Path.Combine(source, missing));

        Assert.Contains(missing, Assert.Throws<InvalidDataException>(
            () => ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package") })).Message,
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("vocabulary.tiktoken")]
    public void Import_SourceWithAnotherTokenizerFile_TakesItOver(string name)
    {
        using var folder = new TemporaryFolder();
        var source = CopySource(folder);
        File.Delete(Path.Combine(source, "tokenizer.json"));
        File.WriteAllText(Path.Combine(source, name), "IQ== 0\n");

        var package = ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package"), Precision = "fp32" }).Path;

        Assert.Equal(File.ReadAllBytes(Path.Combine(source, name)), File.ReadAllBytes(Path.Combine(package, name)));
        Assert.Contains(name, ModelManifest.Parse(File.ReadAllText(Path.Combine(package, "parley.json")), package).Files.Keys);
    }

    [Theory]
    [InlineData("config.json", "384")]
    [InlineData("generation_config.json", "[377, 384]")]
    [InlineData("config.json", "-1")]
    [InlineData("generation_config.json", "\"</s>\"")]
    [InlineData("generation_config.json", "[1.5]")]
    public void Import_EndThatTheModelCannotGive_NamesFileAndField(string file, string ids)
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Set("eos_token_id", ids, file).Path;

        var message = Assert.Throws<InvalidDataException>(
            () => ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package") })).Message;

        Assert.Contains(Path.Combine(source, file), message, StringComparison.Ordinal);
        Assert.Contains("eos_token_id is", message, StringComparison.Ordinal);
        Assert.Contains("384", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("383")]
    public void Import_EndsOfAnyOtherKind_AreTakenAsTheyAre(string ids)
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Set("eos_token_id", ids, "generation_config.json").Path;

        var package = ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package") }).Path;

        Assert.Equal(File.ReadAllBytes(Path.Combine(source, "generation_config.json")),
            File.ReadAllBytes(Path.Combine(package, "generation_config.json")));
    }

    /// <summary>Measured in docs/benchmarks/quality.md: half the loss of groups of 128.</summary>
    [Theory]
    [InlineData("int8", null, 32)]
    [InlineData("int8", 64, 64)]
    [InlineData("w8a8", null, 64)]
    public void Graph_EightBits_HasGroupsOfItsDefault(string precision, int? block, long expected)
    {
        using var folder = new TemporaryFolder();
        ModelImport.Run(Options(folder, Fixture.TiedLlama3Rope, precision) with { BlockMax = block });
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("package/model.onnx")));

        var nodes = model.Graph.Node.Where(node => node.OpType.StartsWith("Quantized", StringComparison.Ordinal) && node.Attribute
            .Single(attribute => attribute.Name == "K").I == 64).ToList();
        Assert.NotEmpty(nodes);
        Assert.All(nodes, node => Assert.Equal(expected, node.Attribute.Single(attribute => attribute.Name == "group").I));
    }

    [Fact]
    public void DefaultPrecision_OfWeightsOnNoGrid_IsInt8() =>
        Assert.All(Fixture.Names, name => Assert.Equal("int8", ModelImport.DefaultPrecision(Fixture.Folder(name))));

    [Fact]
    public void SourceHash_OneChangedBit_IsAnother()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in Directory.GetFiles(Fixture.Folder(Fixture.TiedLlama3Rope)))
            File.Copy(path, folder.File(Path.GetFileName(path)));
        var before = ModelImport.SourceHash(folder.Path);
        Assert.Equal(ModelImport.SourceHash(Fixture.Folder(Fixture.TiedLlama3Rope)), before);
        var bytes = File.ReadAllBytes(folder.File("model.safetensors"));
        bytes[^1000] ^= 1;
        File.WriteAllBytes(folder.File("model.safetensors"), bytes);

        Assert.NotEqual(before, ModelImport.SourceHash(folder.Path));
    }

    [Theory]
    [InlineData("{}", "formatVersion")]
    [InlineData("""{"formatVersion":1}""", "import the model again")]
    [InlineData("""{"formatVersion":2}""", "parley.json")]
    [InlineData("[", "parley.json")]
    public void Manifest_NotOfThisFormat_IsRefused(string text, string named) =>
        Assert.Contains(named,
            Assert.Throws<InvalidDataException>(() => ModelManifest.Parse(text, "parley.json")).Message, StringComparison.Ordinal);

    private static string CopySource(TemporaryFolder folder)
    {
        var source = Directory.CreateDirectory(folder.File("source")).FullName;
        foreach (var path in Directory.GetFiles(Fixture.Folder(Fixture.TiedLlama3Rope)))
            File.Copy(path, Path.Combine(source, Path.GetFileName(path)));
        return source;
    }

    private static ImportResult Import(TemporaryFolder folder, string name, string precision, string linears = "own") =>
        ModelImport.Run(Options(folder, name, precision) with { Linears = linears });

    private static ImportOptions Options(TemporaryFolder folder, string name, string precision) =>
        new() { Source = Fixture.Folder(name), Destination = folder.File("package"), Precision = precision, ContextTokensMax = 300 };

    private sealed class Immediate(Action<ImportProgress> action) : IProgress<ImportProgress>
    {
        public void Report(ImportProgress value) => action(value);
    }
}

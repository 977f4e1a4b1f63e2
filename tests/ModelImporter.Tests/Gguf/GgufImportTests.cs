using System.Text.Json.Nodes;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Tests.Parity;
using Parley.ModelImporter.Tests.Quantization;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>The tiny checkpoints as llama.cpp would store them, imported.</summary>
public sealed class GgufImportTests
{
    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, true)]
    [InlineData(Fixture.UntiedHeadDim32, true)]
    [InlineData(Fixture.UntiedHeadDim32, false)]
    public void Import_FullPrecision_IsTheSameAsFromSafetensors(string name, bool withConfig)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, name, withConfig, _ => GgufType.F32);

        Import(source, folder.File("a"), "fp32");
        Import(Fixture.Folder(name), folder.File("b"), "fp32");

        Assert.Equal(File.ReadAllBytes(folder.File("b/model.data")), File.ReadAllBytes(folder.File("a/model.data")));
        Assert.Equal(File.ReadAllBytes(folder.File("b/model.onnx")), File.ReadAllBytes(folder.File("a/model.onnx")));
        Assert.True(File.Exists(folder.File("a/config.json")));
    }

    /// <summary>Groups of the file are the groups of the package: what int4 stores stands for exactly what the file holds.</summary>
    [Theory]
    [InlineData("Q4_0", false)]
    [InlineData("Q4_1", false)]
    [InlineData("Q4_1", true)]
    public void Import_FourBitBlocks_AreTakenOverAsTheyAre(string type, bool calibrated)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true,
            tensor => tensor.Contains("_proj", StringComparison.Ordinal) ? Enum.Parse<GgufType>(type) : GgufType.F32);

        Import(source, folder.File("exact"), "fp32");
        ModelImport.Run(new ImportOptions
        {
            Source = source,
            Destination = folder.File("rounded"),
            Precision = "int4",
            Dequantize = true,
            CalibrationIds = calibrated ? [1, 2, 3, 4, 5] : null,
        });

        Assert.Equal(Floats(folder.File("exact/model.data")), Floats(folder.File("rounded/model.data")));
    }

    [Theory]
    [InlineData("Q4_0", false)]
    [InlineData("Q4_1", true)]
    [InlineData("Q8_0", false)]
    [InlineData("F32", true)]
    public void Minima_OfGroupsThatHaveNone_TakeNoRoom(string type, bool expected)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true,
            tensor => tensor.Contains("_proj", StringComparison.Ordinal) ? Enum.Parse<GgufType>(type) : GgufType.F32);
        using var checkpoint = CheckpointReader.Open(source);
        var format = new Int4Format(new PlainRounding(group: 32));

        Assert.All(checkpoint.Weights.Layers.SelectMany(layer => layer.Linears),
            linear => Assert.Equal(expected, format.Split(checkpoint.Tensors, linear).Single().Grid.HasMinima));
    }

    [Fact]
    public void Import_ForcedGroup_RoundsAgain()
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true,
            tensor => tensor.Contains("_proj", StringComparison.Ordinal) ? GgufType.Q4_1 : GgufType.F32);
        Import(source, folder.File("exact"), "fp32");
        ModelImport.Run(new ImportOptions
        {
            Source = source,
            Destination = folder.File("rounded"),
            Precision = "int4",
            Dequantize = true,
            Int4Group = 64,
        });

        Assert.NotEqual(Floats(folder.File("exact/model.data")), Floats(folder.File("rounded/model.data")));
    }

    [Fact]
    public void Import_WithoutTokenizer_SaysWhatToPutThere()
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true, _ => GgufType.F32);
        File.Delete(Path.Combine(Path.GetDirectoryName(source)!, "tokenizer.json"));

        var exception = Assert.Throws<InvalidDataException>(() => Import(source, folder.File("package"), "fp32"));

        Assert.Contains("put tokenizer.json", exception.Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(folder.File("package")));
    }

    [Fact]
    public void Import_RotaryFactorsOfZero_AreRefused()
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.TiedLlama3Rope, withConfig: false, _ => GgufType.F32, rotaryFactors: true);

        var exception = Assert.Throws<InvalidDataException>(() => Import(source, folder.File("package"), "fp32"));

        Assert.Contains($"{GgufNames.RotaryFactors} is not 8 positive numbers", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>8 bits in groups of 32 hold them as they are, in int4 as in int8.</summary>
    [Theory]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Import_EightBitBlocks_AreTakenOverAsTheyAre(string precision)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true,
            tensor => tensor.Contains("_proj", StringComparison.Ordinal) ? GgufType.Q8_0 : GgufType.F32);
        Import(source, folder.File("package"), precision);
        using var checkpoint = CheckpointReader.Open(source);
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("package/model.onnx")));
        foreach (var linear in checkpoint.Weights.Layers.SelectMany(layer => layer.Linears))
        {
            var packed = new PackedTensor(model, folder.File("package"), linear.Name);
            var weights = new float[linear.Inputs];
            Assert.Equal(8, packed.Bits);
            for (var row = 0; row < linear.Outputs; row++)
            {
                linear.Read(checkpoint.Tensors, row, 0, weights);
                Assert.Equal(weights, Enumerable.Range(0, linear.Inputs).Select(input => (float)packed.Weight(row, input).Weight));
            }
        }
    }

    /// <summary>A file in parts is the file; a part that is missing is named.</summary>
    [Fact]
    public void Import_SplitFile_IsTheWholeOne()
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32);
        var first = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32, parts: 3, target: "split");

        Import(source, folder.File("a"), "fp32");
        Import(first, folder.File("b"), "fp32");
        Import(Path.GetDirectoryName(first)!, folder.File("c"), "fp32");
        File.Delete(first.Replace("00001-of", "00003-of", StringComparison.Ordinal));
        var exception = Assert.Throws<InvalidDataException>(() => Import(first, folder.File("d"), "fp32"));

        Assert.Equal(File.ReadAllBytes(folder.File("a/model.data")), File.ReadAllBytes(folder.File("b/model.data")));
        Assert.Equal(File.ReadAllBytes(folder.File("a/model.data")), File.ReadAllBytes(folder.File("c/model.data")));
        Assert.Contains("missing: model-00003-of-00003.gguf", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>A part under another part's name would give its weights to others.</summary>
    [Theory]
    [InlineData("model-00003-of-00003.gguf", "model-00002-of-00003.gguf", "model-00001-of-00003.gguf", "split.no is 2, not 1")]
    [InlineData("model-00001-of-00003.gguf", "model.gguf", "model.gguf", "split.count is 3, not 1")]
    [InlineData("model-00001-of-00003.gguf", "other-00004-of-00003.gguf", "other-00004-of-00003.gguf", "file 4 of 3")]
    public void Import_PartUnderAnotherName_IsRefused(string part, string copy, string given, string named)
    {
        using var folder = new TemporaryFolder();
        var first = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32, parts: 3);
        var parts = Path.GetDirectoryName(first)!;
        File.Copy(Path.Combine(parts, part), Path.Combine(parts, copy), overwrite: true);

        var exception = Assert.Throws<InvalidDataException>(() => Import(Path.Combine(parts, given), folder.File("package"), "fp32"));

        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    /// <summary>The error by type is that of the package's weights; what 8 bits hold exactly has none.</summary>
    [Theory]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Import_EveryType_SaysWhatBecameOfIt(string precision)
    {
        using var folder = new TemporaryFolder();
        var result = ModelImport.Run(new ImportOptions
        {
            Source = Shared.Fixture("gguf", "every-type.gguf"),
            Destination = folder.File("package"),
            Precision = precision,
        });

        var errors = result.TypeErrors.ToDictionary(error => error.Type, error => error.Relative);
        Assert.Equal(
            ["IQ4_NL", "IQ4_XS", "MXFP4", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0"],
            errors.Keys.Order());
        string[] exact = ["IQ4_NL", "MXFP4", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"];
        Assert.All(exact, type => Assert.Equal(0, errors[type]));
        // Scales that are products are rounded to half precision; the embedding of Q6_K goes to groups of 32.
        Assert.All(errors.Keys.Except([.. exact, "Q6_K"]), type => Assert.InRange(errors[type], 1e-9, 8e-4));
        Assert.InRange(errors["Q6_K"], 1e-3, 0.008);
        Assert.Contains(result.Notes, note => note.Contains("Q5_0 0 (exact)", StringComparison.Ordinal));
    }

    /// <summary>
    /// Tied embedding and head keep minima on our operators, and the head then gives all logits whatever counts; ONNX Runtime's round them,
    /// and the import says so.
    /// </summary>
    [Theory]
    [InlineData("own", 0)]
    [InlineData("ort", 0.008)]
    public void Import_HeadWithMinima_IsExactOrSaysThatItIsNot(string linears, double bound)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.TiedLlama3Rope, withConfig: true,
            tensor => tensor.Contains("embed_tokens", StringComparison.Ordinal) ? GgufType.Q4_1 : GgufType.F32);
        Import(source, folder.File("exact"), "fp32");
        var result = ModelImport.Run(
            new ImportOptions { Source = source, Destination = folder.File("package"), Precision = "int8", Linears = linears });
        var graph = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("package/model.onnx"))).Graph;
        var error = new LogitError();
        error.Add(GgufGridTests.Logits(folder.File("package")), GgufGridTests.Logits(folder.File("exact")));

        var head = graph.Node.Single(node => node.Output.Contains("logits"));
        Assert.Equal(linears == "own" ? "QuantizedLinear" : "MatMulNBits", head.OpType);
        Assert.DoesNotContain(graph.Input, input => input.Name == "logit_best");
        var rounded = result.TypeErrors.Single(entry => entry.Type == "Q4_1").Relative;
        Assert.InRange(rounded, bound == 0 ? 0 : 1e-3, bound);
        Assert.InRange(error.RootMeanSquare, 0, 0.05);
    }

    /// <summary>
    /// Embedding and head that a file has in 4 bits stay so in int4, where 8 would hold the same numbers in twice the bytes. Levels have 8
    /// bits, whose high nibbles say something.
    /// </summary>
    [Theory]
    [InlineData("Q4_0", 4, "QuantizedLinear")]
    [InlineData("Q4_1", 4, "QuantizedLinear")]
    [InlineData("IQ4_NL", 8, "QuantizedHead")]
    public void Import_VocabularyOfFourBits_KeepsThem(string type, int bits, string head)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.TiedLlama3Rope, withConfig: true,
            tensor => tensor.Contains("norm", StringComparison.Ordinal) ? GgufType.F32 : Enum.Parse<GgufType>(type));
        Import(source, folder.File("kept"), "int4");
        Import(source, folder.File("bytes"), "int8");
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("kept/model.onnx")));
        var error = new LogitError();
        error.Add(GgufGridTests.Logits(folder.File("kept")), GgufGridTests.Logits(folder.File("bytes")));

        var nodes = model.Graph.Node.Where(node => node.OpType == "QuantizedGather" || node.Output.Contains("logits")).ToArray();
        Assert.Equal(head, nodes[1].OpType);
        Assert.All(nodes, node => Assert.Equal(bits, node.Attribute.Single(attribute => attribute.Name == "bits").I));
        Assert.Equal(nodes[0].Input.Skip(1), nodes[1].Input.Skip(1).Take(2));
        var name = nodes[0].Input[1].Replace(".weight", "", StringComparison.Ordinal);
        var kept = new PackedTensor(model, folder.File("kept"), name);
        var bytes = new PackedTensor(
            ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("bytes/model.onnx"))), folder.File("bytes"), name);
        Assert.All(Enumerable.Range(0, 64), i => Assert.Equal(bytes.Weight(5 * i, i).Weight, kept.Weight(5 * i, i).Weight));
        // The rounding of activations tips over here and there.
        Assert.InRange(error.RootMeanSquare, 0, 0.02);
        // Whatever the head reads first, rows beside each other are as cheap.
        using var package = ParityPackage.Of(folder.File("kept"));
        using var runner = package.Open(ParityPackage.Options());
        Assert.Equal(QuantizedLinearKernel.Best.FreeRows, runner.FreeTokens);
    }

    [Fact]
    public void Import_FolderWithSeveral_AsksForOne()
    {
        using var folder = new TemporaryFolder();
        var source = Path.GetDirectoryName(GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true, _ => GgufType.F32))!;
        File.Copy(Path.Combine(source, "model.gguf"), Path.Combine(source, "other.gguf"));

        var exception = Assert.Throws<InvalidDataException>(() => Import(source, folder.File("package"), "fp32"));

        Assert.Contains("model.gguf, other.gguf", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>An output matrix in the file is the head, whatever config.json says; without one the embedding is (llama.cpp).</summary>
    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, "F32", true, true)]
    [InlineData(Fixture.TiedLlama3Rope, "Q8_0", true, false)]
    [InlineData(Fixture.TiedLlama3Rope, "Q4_0", true, false)]
    [InlineData(Fixture.TiedLlama3Rope, null, true, true)]
    [InlineData(Fixture.UntiedHeadDim32, "F32", true, false)]
    [InlineData(Fixture.UntiedHeadDim32, null, true, true)]
    [InlineData(Fixture.UntiedHeadDim32, null, false, true)]
    [InlineData(Fixture.UntiedHeadDim32, "Q8_0", false, false)]
    public void Head_OfTheFile_IsWhatItsTensorsSay(string name, string? output, bool withConfig, bool tied)
    {
        using var folder = new TemporaryFolder();
        var type = output is null ? (GgufType?)null : Enum.Parse<GgufType>(output);
        var source = GgufCheckpoint.Write(folder, name, withConfig, tensor => tensor.Contains("lm_head", StringComparison.Ordinal)
            ? type!.Value : GgufType.F32, head: type is not null);
        using var checkpoint = CheckpointReader.Open(source);

        Assert.Equal(tied, checkpoint.Config.Shape.TiedEmbeddings);
        Assert.Equal(tied ? "model.embed_tokens.weight" : "lm_head.weight", checkpoint.Weights.Head.Parts[0].Weight);
        Import(source, folder.File("package"), "int4");
    }

    /// <summary>generation_config.json is the truth, then config.json; where both are silent the file's metadata are.</summary>
    [Theory]
    [InlineData(true, true, "[377,383]")]
    [InlineData(false, true, "[377,383]")]
    [InlineData(true, false, null)]
    [InlineData(false, false, "[5,7,9]")]
    public void Ends_OfAnAnswer_ComeFromTheFileWhereNothingElseSaysThem(bool withConfig, bool withGeneration, string? expected)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig, _ => GgufType.F32, more: writer =>
        {
            writer.Add("tokenizer.ggml.eos_token_id", 5u);
            writer.Add("tokenizer.ggml.eot_token_id", 9u);
            writer.Add("tokenizer.ggml.tokens", Enumerable.Range(0, 384).Select(id => id == 7 ? "<|im_end|>" : $"t{id}").ToArray());
        });
        if (!withGeneration)
            File.Delete(Path.Combine(Path.GetDirectoryName(source)!, "generation_config.json"));

        Import(source, folder.File("package"), "fp32");

        var generation = folder.File("package/generation_config.json");
        Assert.Equal(expected, File.Exists(generation)
            ? JsonNode.Parse(File.ReadAllText(generation))!["eos_token_id"]!.ToJsonString() : null);
    }

    /// <summary>What keeps its grid as int4 loses nothing by it, what has more bits keeps 8; whatever was not rounded is int8.</summary>
    [Theory]
    [InlineData("Q4_0", "Q4_0", "int4")]
    [InlineData("Q4_1", "Q4_0", "int4")]
    [InlineData("Q4_0", "Q8_0", "int4")]
    [InlineData("IQ4_NL", "Q5_1", "int4")]
    [InlineData("MXFP4", "MXFP4", "int4")]
    [InlineData("Q5_1", "Q8_0", "int8")]
    [InlineData("Q4_0", "F32", "int8")]
    [InlineData("Q8_0", "Q8_0", "int8")]
    [InlineData("F32", "F32", "int8")]
    public void DefaultPrecision_OfAFile_FollowsTheTypesOfItsLinears(string type, string lastDown, string expected)
    {
        using var folder = new TemporaryFolder();
        var source = GgufCheckpoint.Write(folder, Fixture.UntiedHeadDim32, withConfig: true, tensor =>
            !tensor.Contains("_proj", StringComparison.Ordinal) ? GgufType.F32
            : Enum.Parse<GgufType>(tensor.Contains("2.mlp.down", StringComparison.Ordinal) ? lastDown : type));

        Assert.Equal(expected, ModelImport.DefaultPrecision(source));
    }

    private static void Import(string source, string destination, string precision) =>
        ModelImport.Run(new ImportOptions { Source = source, Destination = destination, Precision = precision });

    private static float[] Floats(string path) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
}

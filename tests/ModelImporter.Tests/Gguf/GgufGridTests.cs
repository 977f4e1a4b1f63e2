using Parley.Generator.Execution;
using Parley.Generator.Model;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Tests.Quantization;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>A file with a tensor of every type, imported: what a package holds is what the file holds.</summary>
public sealed class GgufGridTests
{
    /// <summary>Types whose scales and minimums are halves, or powers of two within their range: nothing is rounded.</summary>
    private static readonly string[] Exact = ["IQ4_NL", "MXFP4", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"];

    private static readonly Dictionary<string, int> OwnBits = new()
    {
        ["Q2_K"] = 4,
        ["Q3_K"] = 4,
        ["Q4_0"] = 4,
        ["Q4_1"] = 4,
        ["Q4_K"] = 4,
        ["IQ4_NL"] = 4,
        ["IQ4_XS"] = 4,
        ["MXFP4"] = 4,
        ["Q5_0"] = 8,
        ["Q5_1"] = 8,
        ["Q5_K"] = 8,
        ["Q6_K"] = 8,
        ["Q8_0"] = 8,
    };

    [Theory]
    [InlineData("int4")]
    [InlineData("int8")]
    public void Import_LinearOfAnyType_HoldsTheWeightsOfTheFile(string precision)
    {
        using var folder = new TemporaryFolder();
        Import(Shared.Fixture("gguf", "every-type.gguf"), folder.File("package"), precision);
        using var checkpoint = CheckpointReader.Open(Shared.Fixture("gguf", "every-type.gguf"));
        var model = Model(folder);
        var seen = new HashSet<string>();
        foreach (var (matrix, part, first) in Parts(checkpoint, precision))
        {
            var type = checkpoint.Tensors.TypeOf(part.Weight);
            if (checkpoint.Tensors.GridOf(part.Weight) is null)
                continue;
            seen.Add(type);
            var packed = new PackedTensor(model, folder.File("package"), matrix.Linear.Name);
            Assert.Equal(precision == "int8" ? 8 : OwnBits[type], packed.Bits);
            Assert.Equal(precision == "int4" && type is ("IQ4_NL" or "IQ4_XS" or "MXFP4"), packed.HasLevels);
            Compare(checkpoint, matrix, packed, first, part.Outputs, Exact.Contains(type) ? 0 : 1.0 / 2048);
        }

        Assert.Equal(OwnBits.Keys.Order(), seen.Order());
    }

    /// <summary>
    /// Query, key and value of three grids are three matrices, of which the first adds the update to the stream; gate and up of two are
    /// two. Parts of one grid stay together.
    /// </summary>
    [Fact]
    public void Import_PartsOnDifferentGrids_AreMatricesOfTheirOwn()
    {
        using var folder = new TemporaryFolder();
        Import(Shared.Fixture("gguf", "every-type.gguf"), folder.File("package"), "int4");

        var nodes = Model(folder).Graph.Node.ToDictionary(node => node.Name);

        // Q4_0 and Q4_1 have one grid, with minima; Q5_0 has 8 bits.
        Assert.Equal(
            [("layers.0.qkv.0", 384, 4), ("layers.0.qkv.1", 128, 8)], nodes["layers.0.qkv"].Input.Select(name => Size(nodes[name])));
        Assert.Equal(
            [("layers.1.qkv.0", 256, 4), ("layers.1.qkv.1", 128, 8), ("layers.1.qkv.2", 128, 8)],
            nodes["layers.1.qkv"].Input.Select(name => Size(nodes[name])));
        Assert.Equal(
            [("layers.1.gate_up.0", 512, 4), ("layers.1.gate_up.1", 512, 4)],
            nodes["layers.1.gate_up"].Input.Select(name => Size(nodes[name])));
        Assert.Equal("Concat", nodes["layers.1.qkv"].OpType);
        var sum = nodes["layers.1.qkv.0"].Output[1];
        Assert.Equal(4, nodes["layers.1.qkv.1"].Input.Count);
        Assert.Equal(sum, nodes["layers.1.qkv.1"].Input[0]);
        Assert.Equal(sum, nodes["layers.1.qkv.2"].Input[0]);
    }

    /// <summary>
    /// The whole model, whatever computes it: beside fp32 of the same file activations are rounded to 8 bits, the embedding of Q6_K to
    /// groups of 32, and in int4 the one matrix that the file has not rounded.
    /// </summary>
    [Theory]
    [InlineData("int4", "own", 0.08)]
    [InlineData("int8", "own", 0.05)]
    [InlineData("int4", "ort", 0.08)]
    [InlineData("int8", "ort", 0.05)]
    public void Package_OfEveryType_AnswersAsTheFileItself(string precision, string linears, double bound)
    {
        using var folder = new TemporaryFolder();
        var source = Shared.Fixture("gguf", "every-type.gguf");
        Import(source, folder.File("exact"), "fp32");
        Import(source, folder.File("package"), precision, linears);
        var error = new LogitError();

        error.Add(Logits(folder.File("package")), Logits(folder.File("exact")));

        TestContext.Current.TestOutputHelper?.WriteLine($"{precision} {linears}: {error}");
        Assert.InRange(error.RootMeanSquare, 0, bound);
    }

    /// <summary>ONNX Runtime's operators get the weights of our own: 4 bits with offsets for minima, 8 bits for levels.</summary>
    [Theory]
    [InlineData("int4")]
    [InlineData("int8")]
    public void Import_OnOrtOperators_HoldsTheSameWeights(string precision)
    {
        using var folder = new TemporaryFolder();
        var source = Shared.Fixture("gguf", "every-type.gguf");
        Import(source, folder.File("package"), precision);
        Import(source, folder.File("ort"), precision, "ort");
        using var checkpoint = CheckpointReader.Open(source);
        var (own, ort) = (Model(folder), Model(folder, "ort"));
        foreach (var (matrix, part, first) in Parts(checkpoint, precision))
        {
            if (!matrix.IsKept)
                continue;
            var packed = new PackedTensor(own, folder.File("package"), matrix.Linear.Name);
            var blocked = new BlockedTensor(ort, folder.File("ort"), matrix.Linear.Name);
            for (var row = first; row < first + part.Outputs; row++)
            {
                for (var input = 0; input < matrix.Linear.Inputs; input++)
                {
                    var weight = packed.Weight(row, input).Weight;
                    Assert.Equal(weight, blocked.Weight(row, input), 1e-6 * (1 + Math.Abs(weight)));
                }
            }
        }
    }

    /// <summary>
    /// Scales of MXFP4 are powers of two from 2^−128 on: a half holds 2^−24 to 2^15 of them. What is smaller becomes 0, which no weight of
    /// a model differs from by more than 4e-7; what is larger is refused.
    /// </summary>
    [Theory]
    [InlineData(143, true)]
    [InlineData(114, true)]
    [InlineData(104, true)]
    [InlineData(103, false)]
    [InlineData(0, false)]
    public void Import_ScaleOfMxfp4_IsExactWhereAHalfHoldsIt(byte exponent, bool isExact)
    {
        using var folder = new TemporaryFolder();
        var source = WriteScale(folder, exponent);
        Import(source, folder.File("package"), "int4");
        using var checkpoint = CheckpointReader.Open(source);
        var (matrix, _, first) = Parts(checkpoint, "int4")
            .Single(entry => entry.Part.Weight.EndsWith("1.mlp.up_proj.weight", StringComparison.Ordinal));
        var packed = new PackedTensor(Model(folder), folder.File("package"), matrix.Linear.Name);
        var weights = new float[matrix.Linear.Inputs];

        matrix.Linear.Read(checkpoint.Tensors, first, 0, weights);

        for (var input = 0; input < 32; input++)
            Assert.Equal(isExact ? weights[input] : 0, packed.Weight(first, input).Weight);
        Assert.All(weights.Take(32), weight => Assert.InRange(Math.Abs(weight), 0, isExact ? float.MaxValue : 4e-7f));
        Assert.Contains(weights.Take(32), weight => weight != 0);
    }

    [Theory]
    [InlineData("int4", "own")]
    [InlineData("int8", "ort")]
    public void Import_ScaleAboveAHalf_IsRefusedByName(string precision, string linears)
    {
        using var folder = new TemporaryFolder();
        var source = WriteScale(folder, 144);

        var exception = Assert.Throws<InvalidDataException>(() => Import(source, folder.File("package"), precision, linears));

        Assert.Contains("model.layers.1.mlp.up_proj.weight: a scale or minimum is 6.55e+04", exception.Message, StringComparison.Ordinal);
        Assert.Contains("fp32", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Feedback goes past linears that are kept, split or not, in the order of the computation; what is left is rounded.</summary>
    [Fact]
    public void Import_Calibrated_KeepsGridsAllTheSame()
    {
        using var folder = new TemporaryFolder();
        var source = Shared.Fixture("gguf", "every-type.gguf");
        Import(source, folder.File("package"), "int4");
        ModelImport.Run(new ImportOptions
        {
            Source = source,
            Destination = folder.File("calibrated"),
            Precision = "int4",
            CalibrationIds = [.. Enumerable.Range(3, 90)],
        });
        using var checkpoint = CheckpointReader.Open(source);
        var (plain, calibrated) = (Model(folder), Model(folder, "calibrated"));

        Assert.Equal(plain.Graph.Node.Select(node => node.Name), calibrated.Graph.Node.Select(node => node.Name));
        foreach (var (matrix, _, first) in Parts(checkpoint, "int4").Where(entry => entry.Matrix.IsKept))
        {
            var (one, other) = (new PackedTensor(plain, folder.File("package"), matrix.Linear.Name),
                new PackedTensor(calibrated, folder.File("calibrated"), matrix.Linear.Name));
            for (var input = 0; input < matrix.Linear.Inputs; input++)
                Assert.Equal(one.Weight(first, input), other.Weight(first, input));
        }
    }

    private static void Import(string source, string destination, string precision, string linears = "own") =>
        ModelImport.Run(new ImportOptions { Source = source, Destination = destination, Precision = precision, Linears = linears });

    private static ModelProto Model(TemporaryFolder folder, string package = "package") =>
        ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File($"{package}/model.onnx")));

    private static (string Name, int Outputs, int Bits) Size(NodeProto node)
    {
        int Attribute(string name) => (int)node.Attribute.Single(attribute => attribute.Name == name).I;
        return (node.Name, Attribute("N"), Attribute("bits"));
    }

    /// <summary>The parts of all linears of the layers: the matrix that each lies in, and its first row there.</summary>
    private static IEnumerable<(PackedMatrix Matrix, LinearPart Part, int First)> Parts(
        CheckpointReader checkpoint, string precision)
    {
        PackedFormat format = precision == "int4" ? new Int4Format(new PlainRounding(32)) : new Int8Format(32);
        foreach (var linear in checkpoint.Weights.Layers.SelectMany(layer => layer.Linears))
        {
            foreach (var matrix in format.Split(checkpoint.Tensors, linear))
            {
                var first = 0;
                foreach (var part in matrix.Linear.Parts)
                {
                    yield return (matrix, part, first);
                    first += part.Outputs;
                }
            }
        }
    }

    /// <summary>Weights against the file's own; a share of what scale and minimum of each contribute may be rounded away.</summary>
    private static void Compare(CheckpointReader checkpoint, PackedMatrix matrix, PackedTensor packed, int first, int count, double share)
    {
        var weights = new float[matrix.Linear.Inputs];
        for (var row = first; row < first + count; row++)
        {
            matrix.Linear.Read(checkpoint.Tensors, row, 0, weights);
            for (var input = 0; input < weights.Length; input++)
            {
                var (weight, scale) = packed.Weight(row, input);
                // Each weight is scale · code + minimum, of which the first is at most as large as weight and minimum together.
                var allowed = share * (Math.Abs(weights[input]) + (2 * Math.Abs(packed.Minimum(row, input))));
                if (share == 0)
                    Assert.Equal(weights[input], (float)weight);
                else
                {
                    Assert.True(Math.Abs(weight - weights[input]) <= allowed + 6e-8,
                        $"{row}, {input}: {weight}, not {weights[input]} ± {allowed}");
                }

                Assert.True(double.IsFinite(scale));
            }
        }
    }

    /// <summary>A copy of the file whose first block of MXFP4 has another scale.</summary>
    private static string WriteScale(TemporaryFolder folder, byte exponent)
    {
        var source = Shared.Fixture("gguf", "every-type.gguf");
        var bytes = File.ReadAllBytes(source);
        using (var checkpoint = CheckpointReader.Open(source))
        {
            var tensor = checkpoint.Tensors.Gguf!.Tensors.Single(tensor => tensor.TypeName == "MXFP4");
            bytes[tensor.Offset] = exponent;
        }

        var path = folder.File("scale.gguf");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>Logits of the last of some tokens.</summary>
    internal static float[] Logits(string folder)
    {
        var package = ModelPackage.Open(folder, verifyHashes: true);
        var options = new RunnerOptions
        {
            BlockTokens = 16,
            BlockCount = 2,
            StepTokensMax = 24,
            SequencesMax = 1,
            LogitRowsMax = 24,
            ContextTokensMax = 32,
            Threads = 2,
        };
        using var runner = OnnxModelRunner.Create(package.ModelPath, package.Manifest, options);
        var batch = options.CreateBatch();
        batch.Clear(2);
        batch.Add([.. Enumerable.Range(0, 24).Select(i => (uint)((i * 37) % 300))], 0, [1, 0], 24);
        return runner.Run(batch).ToArray();
    }
}

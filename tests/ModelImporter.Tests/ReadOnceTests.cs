using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests;

/// <summary>What a conversion asks of its source: a file that does not fit into memory comes from the disk once.</summary>
public sealed class ReadOnceTests
{
    /// <summary>Rows of a matrix at most that int4 tries, to learn whether they lie on a grid.</summary>
    private const int TriedRows = 16;

    public static TheoryData<string, string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, string>();
            foreach (var source in new[] { Fixture.TiedLlama3Rope, Fixture.UntiedHeadDim32, "every-type.gguf" })
            {
                foreach (var precision in ModelImport.Precisions)
                    cases.Add(source, precision, "own");
                cases.Add(source, "int8", "ort");
                cases.Add(source, "int4", "ort");
            }

            // Experts each by itself, in one tensor, as codes beside exponents, and in GGUF.
            foreach (var source in new[] { "mixtral", "granitemoe", "gpt-oss-mxfp4", "mixtral.gguf", "gpt-oss-mxfp4.gguf" })
            {
                foreach (var precision in new[] { "fp32", "int8", "w8a8", "int4" })
                    cases.Add(source, precision, "own");
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Conversion_OfAnySource_ReadsEachWeightOnce(string source, string precision, string linears)
    {
        using var folder = new TemporaryFolder();
        var path = source.EndsWith(".gguf", StringComparison.Ordinal) ? Shared.Fixture("gguf", source)
            : Directory.Exists(Fixture.Folder(source)) ? Fixture.Folder(source) : Shared.Fixture("hf", source);
        using var checkpoint = CheckpointReader.Open(path);
        var (reads, columns) = (new Dictionary<string, int[]>(), new Dictionary<string, int>());
        foreach (var (name, tensor) in Tensors(path))
        {
            reads[name] = new int[tensor.Elements];
            columns[name] = (int)tensor.Shape.LastOrDefault(1);
        }

        checkpoint.Tensors.Reading = (_, tensor, first, count) =>
        {
            foreach (ref var read in reads[tensor.Name].AsSpan((int)first, (int)count))
                Interlocked.Increment(ref read);
        };

        new ModelPackageWriter(folder.Path, new ParallelOptions(), progress: null).Write(
            checkpoint, Precision.Create(precision, linears: linears), contextTokensMax: 64, guessable: 64,
            files => Describe(checkpoint, files));

        foreach (var (name, counts) in reads)
        {
            var tried = precision == "int4" && (name.Contains("_proj.weight", StringComparison.Ordinal)
                || name.Contains("experts.", StringComparison.Ordinal) || name.Contains("_linear.weight", StringComparison.Ordinal));
            var twice = counts.Count(count => count == 2);
            Assert.True(counts.Length > 0 && counts.Count(count => count == 1) + (tried ? twice : 0) == counts.Length,
                $"{name}: {string.Join(", ", counts.CountBy(count => count).Select(group => $"{group.Value} weights {group.Key} times"))}");
            Assert.InRange(twice, 0, tried ? TriedRows * columns[name] : 0);
        }
    }

    /// <summary>A matrix that is transposed comes out the same, in however many blocks of rows it goes.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3 * 96 * sizeof(float))]
    [InlineData(TransposedMatrix.BlockBytes)]
    public void Transposed_InBlocksOfAnyNumberOfRows_IsTheSame(int blockBytes)
    {
        const int Inputs = 96, Outputs = 50;
        using var folder = new TemporaryFolder();
        var graph = new OnnxGraphBuilder("data");
        var target = graph.Reserve(
            "weight", TensorProto.Types.DataType.Float, Inputs * Outputs * sizeof(float), Inputs, Outputs);
        var linear = new LinearWeights("linear", Inputs, [new("weight", null, Outputs)]);
        var read = new int[Outputs];
        using (var data = new DataFile(folder.File("data"), graph.DataBytes))
        {
            TransposedMatrix.Write(linear, target, data, new ParallelOptions(), (int row, Span<float> values) =>
            {
                Interlocked.Increment(ref read[row]);
                for (var i = 0; i < values.Length; i++)
                    values[i] = (row * 1000) + i;
            }, blockBytes);
        }

        Assert.All(read, count => Assert.Equal(1, count));
        var written = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(folder.File("data"))).ToArray();
        Assert.Equal(Enumerable.Range(0, Inputs * Outputs).Select(i => (float)((i % Outputs * 1000) + (i / Outputs))), written);
    }

    private static IEnumerable<(string Name, StoredTensor Tensor)> Tensors(string path)
    {
        using var tensors = path.EndsWith(".gguf", StringComparison.Ordinal)
            ? GgufFile.OpenAll(path)[0] : (ITensorFile)new SafetensorsFile(Path.Combine(path, "model.safetensors"));
        return [.. tensors.Tensors.Select(tensor => (tensor.Name, tensor))];
    }

    private static ModelManifest Describe(CheckpointReader checkpoint, IReadOnlyDictionary<string, PackageFile> files) => new()
    {
        FormatVersion = ModelManifest.CurrentFormatVersion,
        Name = "model",
        Architecture = checkpoint.Config.Architecture,
        Precision = "any",
        Shape = checkpoint.Config.Shape,
        Target = null,
        Parameters = 1,
        Opset = 1,
        Importer = ModelImport.Version,
        SourceSha256 = "",
        SourceRevision = null,
        Files = files,
    };
}

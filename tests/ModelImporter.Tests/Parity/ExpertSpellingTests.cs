using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>Experts as checkpoints spell them: a tensor for each, or one for all.</summary>
public sealed class ExpertSpellingTests
{
    private const int Experts = 8;

    /// <summary>One tensor for all, with the names that transformers' classes have; gpt-oss's is transposed, gate and up in turn.</summary>
    [Theory]
    [InlineData("qwen3-moe", false)]
    [InlineData("mixtral", false)]
    [InlineData("gpt-oss-mxfp4", true)]
    public void Import_OfExpertsInOneTensor_IsThatOfEachByItself(string name, bool isTransposed)
    {
        using var folder = new TemporaryFolder();
        var original = Shared.Fixture("hf", name);
        var source = Write(folder, original, isTransposed, wrong: false);
        var ids = new ParityCheckpoint(name).Cases()[0].Ids;
        float[][] rows = [.. new[] { original, source }.Select(path =>
        {
            using var package = new ParityPackage(path);
            using var runner = package.Open(ParityPackage.Options());
            return package.Logits(runner, [ids], 64)[0].SelectMany(row => row).ToArray();
        })];

        Assert.Equal(rows[0], rows[1]);
    }

    [Theory]
    [InlineData("qwen3-moe", false, "[8, 95, 64]", "[8, 96, 64]")]
    [InlineData("gpt-oss-mxfp4", true, "[8, 64, 191]", "[8, 64, 192]")]
    public void Import_OfATensorThatDoesNotFit_NamesFileTensorWantedAndFound(string name, bool isTransposed, string found, string wanted)
    {
        using var folder = new TemporaryFolder();
        var source = Write(folder, Shared.Fixture("hf", name), isTransposed, wrong: true);

        var message = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(source)).Message;

        Assert.Contains("model.safetensors: tensor model.layers.0.mlp.experts.gate_up_proj has the shape " + found, message,
            StringComparison.Ordinal);
        Assert.Contains("asks for " + wanted, message, StringComparison.Ordinal);
    }

    /// <summary>The same weights with gate_up_proj and down_proj of all experts.</summary>
    private static string Write(TemporaryFolder folder, string original, bool isTransposed, bool wrong)
    {
        var target = Directory.CreateDirectory(folder.File("source")).FullName;
        foreach (var file in Directory.GetFiles(original).Where(file => !file.EndsWith(".safetensors", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        using var reader = CheckpointReader.Open(original);
        var tensors = new SortedDictionary<string, (int[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (var name in reader.Tensors.Names.Where(name => !name.Contains(".experts.", StringComparison.Ordinal)))
            tensors[name] = ([.. reader.Tensors.Source(name).Shape.Select(size => (int)size)], Values(reader, name));
        foreach (var (layer, mixture) in reader.Weights.Mixtures.Index())
        {
            var experts = $"model.layers.{layer}.mlp.experts";
            foreach (var (part, linears) in new[] { ("gate_up_proj", mixture.GateUp), ("down_proj", mixture.Down) })
            {
                var (rows, columns) = (linears[0].Outputs - (wrong && part == "gate_up_proj" ? 1 : 0), linears[0].Inputs);
                var values = new float[Experts * rows * columns];
                for (var i = 0; i < values.Length; i++)
                {
                    var (expert, rest) = (i / (rows * columns), i % (rows * columns));
                    var (row, column) = isTransposed ? (rest % rows, rest / rows) : (rest / columns, rest % columns);
                    linears[expert].Read(reader.Tensors, Stored(row, linears[0].Outputs), column, values.AsSpan(i, 1));
                }

                tensors[$"{experts}.{part}"] = (isTransposed ? [Experts, columns, rows] : [Experts, rows, columns], values);
                if (linears[0].HasBias)
                {
                    tensors[$"{experts}.{part}_bias"] = ([Experts, linears[0].Outputs], [.. linears.SelectMany(linear =>
                    {
                        var bias = linear.ReadBias(reader.Tensors);
                        return Enumerable.Range(0, bias.Length).Select(row => bias[Stored(row, bias.Length)]);
                    })]);
                }

                int Stored(int row, int outputs) =>
                    isTransposed && part == "gate_up_proj" ? (row / 2) + (row % 2 * (outputs / 2)) : row;
            }
        }

        File.WriteAllBytes(Path.Combine(target, "model.safetensors"), RandomCheckpoint.Serialize(tensors));
        return target;
    }

    private static float[] Values(CheckpointReader reader, string name)
    {
        var values = new float[reader.Tensors.Source(name).Shape.Aggregate(1L, (product, size) => product * size)];
        reader.Tensors.Read(name, 0, values);
        return values;
    }
}

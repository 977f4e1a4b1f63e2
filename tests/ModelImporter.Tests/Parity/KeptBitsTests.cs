using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph.Onnx;
using Parley.TestSupport;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>docs/benchmarks/hybrids.md says which matrices of an int4 package have 8 bits or are fp32; so does the graph.</summary>
public sealed class KeptBitsTests
{
    [Theory]
    [MemberData(nameof(HybridTableTests.Rows), MemberType = typeof(HybridTableTests))]
    public void Bits_OfAnInt4Package_AreThoseOfThePage(string name, string? fields)
    {
        using var folder = new TemporaryFolder();
        var source = fields is null ? Shared.Fixture("hf", name)
            : RandomCheckpoint.Write(folder, name.Split(',')[0], fields, seed: fields.Length);
        ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package"), Precision = "int4" });
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("package/model.onnx")));
        using var checkpoint = CheckpointReader.Open(source, canDraft: false);
        var bits = checkpoint.Weights.Linears().GroupBy(Role).Where(group => group.Key != "head" || !IsTied(checkpoint))
            .Select(group => (Role: group.Key, Bits: group.Select(linear => BitsOf(model, linear)).Distinct().Single())).ToList();

        string Roles(int wanted) => string.Join(", ", bits.Where(entry => entry.Bits == wanted).Select(entry => entry.Role)
            .Order(StringComparer.Ordinal)) is { Length: > 0 } roles ? roles : "–";
        var row = $"| `{name}` | {Roles(4)} | {Roles(8)} | {Roles(32)} |";
        TestContext.Current.TestOutputHelper?.WriteLine(row);

        Assert.All(bits, entry => Assert.Contains(entry.Bits, new[] { 4, 8, 32 }));
        var page = File.ReadAllLines(Path.Combine(Shared.RepositoryRoot, "docs", "benchmarks", "hybrids.md"));
        Assert.True(page.Contains(row), "docs/benchmarks/hybrids.md lacks:\n" + row);
    }

    private static bool IsTied(CheckpointReader checkpoint) => checkpoint.Config.Shape.TiedEmbeddings;

    /// <summary>What a matrix is for: its name without the numbers of layer, expert and head.</summary>
    private static string Role(LinearWeights linear)
    {
        var parts = (linear.Stack ?? linear.Name).Split('.');
        return string.Join('.', parts[0] == "layers" ? parts[2..] : parts);
    }

    /// <summary>Bits of a weight: as its operator says, else of all tensors that hold codes of it, or it is a number.</summary>
    private static int BitsOf(ModelProto model, LinearWeights linear)
    {
        var prefix = (linear.Stack ?? linear.Name) + ".";
        var weights = (long)linear.Outputs * linear.Inputs;
        var own = linear.Stack?.Split('.')[^1] + "_bits";
        var found = model.Graph.Initializer.Where(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal)).ToList();
        var stated = model.Graph.Node.Where(node => node.Input.Any(input => found.Any(tensor => tensor.Name == input)))
            .SelectMany(node => node.Attribute).Where(attribute => attribute.Name == "bits" || attribute.Name == own)
            .Select(attribute => (int)attribute.I).ToList();
        if (stated.Count > 0)
            return stated.Distinct().Single();
        var codes = found.Where(tensor => tensor.DataType is DataType.Uint8 or DataType.Int8).Sum(Elements);
        var plain = found.Where(tensor => tensor.DataType == DataType.Float).Select(Elements).DefaultIfEmpty().Max();
        // Codes that are read by row have their scales among them.
        return codes == 0 ? (plain >= weights ? 32 : 0) : codes * 8 / weights is var bits && bits >= 8 ? 8 : (int)bits;
    }

    private static long Elements(TensorProto tensor) => tensor.Dims.Aggregate(1L, (product, size) => product * size);
}

using Parley.ModelImporter.Tests.Parity;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Exports;

/// <summary>The weights of an export in a graph of ours: the same numbers, and those of 4 and 8 bits code by code.</summary>
public sealed class ExportedWeightsTests
{
    public static TheoryData<string> Styles =>
        [.. ExportedPackageTests.All.Where(style => style.Value is { IsGenai: true, KeepsLogits: false }).Select(style => style.Key)];

    [Theory]
    [MemberData(nameof(Styles))]
    public void Tensors_OfAnExport_AreThoseOfTheCheckpoint(string name)
    {
        var style = ExportedPackageTests.All[name];
        using var folder = new TemporaryFolder();
        var (checkpoint, export) = ExportWriter.Write(folder, style);
        using var expected = CheckpointReader.Open(checkpoint);
        using var actual = CheckpointReader.Open(export);

        Assert.Equal(expected.Config.Shape, actual.Config.Shape);
        Assert.Equal(expected.Tensors.Names.Order(StringComparer.Ordinal), actual.Tensors.Names.Order(StringComparer.Ordinal));
        foreach (var tensor in expected.Tensors.Names)
        {
            Assert.Equal(expected.Tensors.Source(tensor).Shape, actual.Tensors.Source(tensor).Shape);
            var (wanted, found) = (Read(expected, tensor), Read(actual, tensor));
            Assert.Equal(style.IsHalf ? [.. wanted.Select(value => (float)(Half)value)] : wanted, found);
            if (style.Bits > 0 && tensor.Contains("proj", StringComparison.Ordinal))
            {
                var grid = actual.Tensors.GridOf(tensor)!;
                Assert.Equal((style.Bits, 32, style.HasZeroPoints), (grid.Bits, grid.Group, grid.HasMinima));
            }
        }
    }

    [Theory]
    [InlineData("fp32", 0, 1e-5)]
    [InlineData("fp32", 4, 1e-5)]
    [InlineData("int4", 4, 3e-2)]
    [InlineData("int8", 8, 3e-2)]
    public void Package_OfAnExportsWeights_AnswersAsTheForwardInDouble(string precision, int bits, double bound)
    {
        using var folder = new TemporaryFolder();
        var (checkpoint, export) = ExportWriter.Write(folder, new ExportStyle { Bits = bits, HasZeroPoints = bits == 4, IsPacked = true });
        using var package = new ParityPackage(export, precision);
        uint[] ids = [.. Enumerable.Range(0, 60).Select(i => (uint)(i * i) % 384)];
        var expected = new ReferenceForward(checkpoint).Logits([.. ids.Select(id => (int)id)]);
        using var runner = package.Open(ParityPackage.Options());

        var rows = package.Logits(runner, [ids], 16)[0];

        Assert.Equal(precision, package.Result.Precision);
        var error = new LogitError();
        foreach (var (row, wanted) in rows.Zip(expected))
            error.Add(row, wanted);
        Assert.InRange(error.RootMeanSquare, 0, bound);
    }

    [Fact]
    public void Weights_OfAGraphThatDoesMore_AreRefusedByTheNode()
    {
        using var folder = new TemporaryFolder();
        var (_, export) = ExportWriter.Write(folder, new ExportStyle { IsGenai = false });

        var fault = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(export)).Message;

        Assert.Contains("genai_config.json", fault, StringComparison.Ordinal);
        Assert.Contains("exported", fault, StringComparison.Ordinal);
    }

    private static float[] Read(CheckpointReader checkpoint, string tensor)
    {
        var values = new float[checkpoint.Tensors.Source(tensor).Shape.Aggregate(1L, (product, size) => product * size)];
        checkpoint.Tensors.Read(tensor, 0, values);
        return values;
    }
}

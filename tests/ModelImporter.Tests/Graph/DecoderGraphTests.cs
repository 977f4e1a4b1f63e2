using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Graph;

/// <summary>The imported graph against the plain forward pass, on operators of ONNX Runtime alone.</summary>
public sealed class DecoderGraphTests
{
    /// <summary>
    /// fp32: the largest difference; else the root mean square, about one and a half times what was measured. Random weights of width
    /// 64 are the
    /// worst case for rounding; <see cref="SmolLm2Tests"/> has a real model.
    /// </summary>
    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, "fp32", 1e-5)]
    [InlineData(Fixture.UntiedHeadDim32, "fp32", 1e-5)]
    [InlineData(Fixture.TiedLlama3Rope, "int8", 0.1)]
    [InlineData(Fixture.UntiedHeadDim32, "int8", 0.1)]
    [InlineData(Fixture.TiedLlama3Rope, "w8a8", 0.1)]
    [InlineData(Fixture.UntiedHeadDim32, "w8a8", 0.1)]
    [InlineData(Fixture.TiedLlama3Rope, "int4", 0.7)]
    [InlineData(Fixture.UntiedHeadDim32, "int4", 0.7)]
    public void Graph_EachPrecision_IsAsCloseToTheReferenceAsStated(string name, string precision, double bound)
    {
        EightBitProducts.SkipUnlessExact(precision);
        using var folder = new TemporaryFolder();
        var package = folder.File("package");
        ModelImport.Run(new ImportOptions
        {
            Source = Fixture.Folder(name),
            Destination = package,
            Precision = precision,
            Linears = "ort",
        });
        using var model = new GroupQueryModel(package);
        var reference = new ReferenceForward(Fixture.Folder(name));
        var error = new LogitError();
        foreach (var scene in Fixture.Expected(name).GetProperty("cases").EnumerateArray())
        {
            var ids = Fixture.Ids(scene.GetProperty("ids"));
            var expected = reference.Logits(ids);
            error.Add(model.Run(ids, ids.Length / 2), expected[ids.Length / 2]);
            error.Add(model.Run(ids, ids.Length - 1), expected[^1]);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {precision}: {error}");
        Assert.InRange(precision == "fp32" ? error.Worst : error.RootMeanSquare, 0, bound);
    }

    [Fact]
    public void Graph_SeveralLogitRows_ComeInTheOrderAskedFor()
    {
        using var folder = new TemporaryFolder();
        var package = folder.File("package");
        ModelImport.Run(new ImportOptions { Source = Fixture.Folder(Fixture.TiedLlama3Rope), Destination = package, Precision = "fp32" });
        using var model = new GroupQueryModel(package);
        int[] ids = [376, 3, 14, 15, 92];

        var rows = model.Run(ids, 1, 4);

        Assert.Equal(model.Run(ids, 1), rows[..384]);
        Assert.Equal(model.Run(ids, 4), rows[384..]);
    }
}

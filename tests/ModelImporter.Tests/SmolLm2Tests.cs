using System.Numerics.Tensors;
using System.Text.Json;
using Parley.ModelImporter.Tests.Graph;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests;

/// <summary>What each precision costs on a real model, against the answers of the reference implementation.</summary>
public sealed class SmolLm2Tests
{
    /// <summary>
    /// Measured: perplexity 83.29 (fp32, as the reference), 85.0 (int8), 88.1 (w8a8), 83.8 (int4, on the checkpoint's own grid);
    /// largest difference of the 50 best logits over the largest 2e-6, 0.042, 0.086, 0.021.
    /// </summary>
    [Theory]
    [InlineData("fp32", 83.29, 1e-5)]
    [InlineData("int8", 87, 0.08)]
    [InlineData("w8a8", 92, 0.15)]
    [InlineData("int4", 85.5, 0.05)]
    public void Import_SmolLm2_KeepsLogitsAndPerplexity(string precision, double perplexityMax, double logitErrorMax)
    {
        EightBitProducts.SkipUnlessExact(precision);
        var (source, expectedPath) = (Shared.SmolLm2(), Shared.SmolLm2Expected());
        using var document = JsonDocument.Parse(File.ReadAllBytes(expectedPath));
        using var folder = new TemporaryFolder();
        ModelImport.Run(new ImportOptions
        {
            Source = source,
            Destination = folder.File("package"),
            Precision = precision,
            Linears = "ort",
            ContextTokensMax = 2048,
        });
        using var model = new GroupQueryModel(folder.File("package"));

        foreach (var scene in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var ids = Fixture.Ids(scene.GetProperty("ids"));
            var logits = model.Run(ids, ids.Length - 1);
            var best = Fixture.Ids(scene.GetProperty("top50_ids")).Select(id => logits[id]).ToArray();
            Assert.InRange(Fixture.RelativeError(best, Fixture.Numbers(scene.GetProperty("top50_logits"))), 0, logitErrorMax);
        }

        Assert.InRange(Perplexity(model, Fixture.Ids(document.RootElement.GetProperty("eval").GetProperty("ids"))),
            0, perplexityMax + 0.01);
    }

    /// <summary>Its published weights were Q4_1 once, which sixteen rows of a linear show.</summary>
    [Fact]
    public void DefaultPrecision_OfSmolLm2_KeepsItsGrid() => Assert.Equal("int4", ModelImport.DefaultPrecision(Shared.SmolLm2()));

    private static double Perplexity(GroupQueryModel model, int[] ids)
    {
        var logits = model.Run(ids, [.. Enumerable.Range(0, ids.Length - 1)]);
        var width = logits.Length / (ids.Length - 1);
        var total = 0.0;
        for (var t = 0; t + 1 < ids.Length; t++)
        {
            var row = logits.AsSpan(t * width, width);
            var largest = TensorPrimitives.Max<float>(row);
            var sum = 0.0;
            foreach (var logit in row)
                sum += Math.Exp(logit - largest);
            total += largest + Math.Log(sum) - row[ids[t + 1]];
        }

        return Math.Exp(total / (ids.Length - 1));
    }
}

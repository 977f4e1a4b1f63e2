using Parley.Generator.Execution;
using Parley.Generator.Model;

namespace Parley.ModelImporter.Tests.Graph;

/// <summary>Norms within the linears behind them: who reads what, and that they are the norms of ONNX Runtime.</summary>
public sealed class FusedNormTests
{
    private const int Vocabulary = 384;

    [Theory]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Graph_OwnLinears_TakeStreamAndUpdateAndPassTheSumOn(string precision)
    {
        using var folder = new TemporaryFolder();
        var graph = WidenedModel.Read(Import(folder, Fixture.TiedLlama3Rope, precision)).Graph;
        var nodes = graph.Node.ToDictionary(node => node.Name);
        string[] Streams(string name) => [nodes[name].Input[0], .. nodes[name].Input.Skip(4)];

        Assert.Equal(["embedding"], Streams("layers.0.qkv"));
        Assert.Equal(["layers.0.qkv"], nodes["layers.0.qkv"].Output);
        Assert.Equal(["embedding", "layers.0.attention_output"], Streams("layers.0.gate_up"));
        Assert.Equal(["layers.0.gate_up", "layers.0.mlp_norm.sum"], nodes["layers.0.gate_up"].Output);
        Assert.Equal(["layers.0.mlp_norm.sum", "layers.0.down"], Streams("layers.1.qkv"));
        Assert.Equal(["layers.1.attention_norm.sum", "layers.1.attention_output"], Streams("layers.1.gate_up"));
        Assert.Equal(["layers.2.mlp_norm.sum", "logit_rows"], nodes["chosen"].Input);
        Assert.Equal(["layers.2.down", "logit_rows"], nodes["chosen.update"].Input);
        Assert.Equal(["chosen.update", "chosen", "final_norm.weight"], nodes["final_norm"].Input);
        Assert.Equal("final_norm", graph.Node[^1].Input[0]);
        Assert.Equal(1, graph.Node.Count(node => node.OpType.EndsWith("LayerNormalization", StringComparison.Ordinal)));
        Assert.All(
            graph.Node.Where(node => node.OpType == "NormalizedLinear"),
            node => Assert.Equal(1e-5f, node.Attribute.Single(attribute => attribute.Name == "epsilon").F));
    }

    [Theory]
    [InlineData("w8a8", "own")]
    [InlineData("int8", "ort")]
    [InlineData("int4", "ort")]
    [InlineData("bf16", "own")]
    public void Graph_LinearsOfOnnxRuntime_KeepItsNorms(string precision, string linears)
    {
        using var folder = new TemporaryFolder();
        var graph = WidenedModel.Read(Import(folder, Fixture.TiedLlama3Rope, precision, linears)).Graph;

        Assert.Equal(6, graph.Node.Count(node => node.OpType == "SkipSimplifiedLayerNormalization"));
        Assert.DoesNotContain(graph.Node, node => node.OpType == "NormalizedLinear");
    }

    [Fact]
    public void Graph_BiasOfAFusedLinear_IsAddedBehindIt()
    {
        using var folder = new TemporaryFolder();
        var nodes = WidenedModel.Read(Import(folder, Fixture.UntiedHeadDim32, "int4")).Graph.Node.ToDictionary(node => node.Name);

        Assert.Equal(["layers.0.qkv", "layers.0.qkv.bias"], nodes["layers.0.qkv.biased"].Input);
        Assert.Equal("NormalizedLinear", nodes["layers.0.gate_up"].OpType);
        Assert.DoesNotContain(nodes["layers.0.gate_up"].Attribute, attribute => attribute.Name == "gated");
        Assert.Equal("layers.0.gate_up.biased", nodes["layers.0.gate_up.split"].Input[0]);
    }

    /// <summary>
    /// fp32 shows that choosing rows before the last norm is exact. Own norms differ in the last bit, and then and now an activation falls
    /// on the neighbouring one of its 255 levels: mostly 1e-7, 1e-2 where one did.
    /// </summary>
    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, "fp32", 0)]
    [InlineData(Fixture.TiedLlama3Rope, "int8", 0.02)]
    [InlineData(Fixture.UntiedHeadDim32, "int8", 0.02)]
    [InlineData(Fixture.TiedLlama3Rope, "int4", 0.02)]
    [InlineData(Fixture.UntiedHeadDim32, "int4", 0.02)]
    public void Package_WithItsNormsTakenApart_GivesTheSameLogits(string name, string precision, double bound)
    {
        using var folder = new TemporaryFolder();
        var path = Import(folder, name, precision);
        var package = ModelPackage.Open(path, verifyHashes: true);
        var ids = Fixture.Expected(name).GetProperty("cases").EnumerateArray()
            .Select(scene => Fixture.Ids(scene.GetProperty("ids"))).MaxBy(ids => ids.Length)!;

        var fused = Run(package, package.ModelPath, ids);
        var apart = Run(package, UnfusedModel.Write(path), ids);

        var error = new LogitError();
        error.Add(fused, apart);
        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {precision}: {error}");
        Assert.InRange(error.RootMeanSquare, 0, bound);
    }

    /// <summary>Logits of the last positions of a prompt.</summary>
    private static float[] Run(ModelPackage package, string graph, int[] ids)
    {
        var options = new RunnerOptions
        {
            BlockTokens = 16,
            BlockCount = 64,
            StepTokensMax = 128,
            SequencesMax = 1,
            LogitRowsMax = 16,
            ContextTokensMax = 256,
            Threads = 2,
        };
        using var runner = OnnxModelRunner.Create(graph, package.Manifest, options);
        var batch = options.CreateBatch();
        batch.Clear(options.BlocksPerSequenceMax);
        batch.Add([.. ids.Select(id => (uint)id)], 0, [.. Enumerable.Range(0, options.BlocksPerSequenceMax)], Math.Min(16, ids.Length));
        var logits = runner.Run(batch).ToArray();
        return logits[..(Math.Min(16, ids.Length) * Vocabulary)];
    }

    private static string Import(TemporaryFolder folder, string name, string precision, string linears = "own") =>
        ModelImport.Run(new ImportOptions
        {
            Source = Fixture.Folder(name),
            Destination = folder.File("package"),
            Precision = precision,
            Linears = linears,
        }).Path;
}

using System.Runtime.InteropServices;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Experts;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution;

/// <summary>A decoder of two small attention layers with random weights: the wiring of our packages without an importer.</summary>
internal static class TinyModel
{
    public static ModelShape Shape { get; } = new(
        Layers: 2, HiddenSize: 48, IntermediateSize: 48, QueryHeads: 6, KeyValueHeads: 2, HeadSize: 16,
        VocabularySize: 50, ContextTokensMax: 256, TiedEmbeddings: true);

    public static ModelManifest Manifest(string precision = "fp32") => new()
    {
        FormatVersion = ModelManifest.CurrentFormatVersion,
        Name = "tiny",
        Architecture = "TinyForCausalLM",
        Precision = precision,
        Shape = Shape,
        Parameters = 1,
        Opset = 21,
        Importer = "test",
        SourceSha256 = new string('0', 64),
        Files = new Dictionary<string, PackageFile>(),
    };

    /// <summary>Writes <c>model.onnx</c> and returns its path.</summary>
    public static string Write(string folder, bool experts = false)
    {
        var path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, Build(experts));
        return path;
    }

    /// <summary>The token whose logits of the router are NaN, where there are experts.</summary>
    public const uint SpoiltToken = 49;

    /// <summary>The graph; with a mixture of experts behind each attention if asked.</summary>
    public static byte[] Build(bool experts = false)
    {
        var random = new Random(7);
        var graph = new OnnxGraphWriter();
        var half = Shape.HeadSize / 2;
        var qkvWidth = (Shape.QueryHeads + (2 * Shape.KeyValueHeads)) * Shape.HeadSize;
        var angles = from position in Enumerable.Range(0, Shape.ContextTokensMax)
                     from j in Enumerable.Range(0, half)
                     select position * Math.Pow(10000, -j / (double)half);
        AddConstant(graph, "cos", [.. angles.Select(angle => (float)Math.Cos(angle))], Shape.ContextTokensMax, half);
        AddConstant(graph, "sin", [.. angles.Select(angle => (float)Math.Sin(angle))], Shape.ContextTokensMax, half);
        AddRandom(graph, random, "embedding", Shape.VocabularySize, Shape.HiddenSize);
        AddRandom(graph, random, "head", Shape.HiddenSize, Shape.VocabularySize);
        graph.Node("Gather", "", ["embedding", GraphContract.InputIds], ["hidden.0"]);
        for (var layer = 0; layer < Shape.Layers; layer++)
        {
            AddRandom(graph, random, $"qkv.{layer}", Shape.HiddenSize, qkvWidth);
            AddRandom(graph, random, $"out.{layer}", Shape.QueryHeads * Shape.HeadSize, Shape.HiddenSize);
            graph.Node("MatMul", "", [$"hidden.{layer}", $"qkv.{layer}"], [$"packed.{layer}"]);
            AddAttention(graph, $"packed.{layer}", layer, $"attended.{layer}");
            graph.Node("MatMul", "", [$"attended.{layer}", $"out.{layer}"], [$"projected.{layer}"]);
            graph.Node("Add", "", [$"hidden.{layer}", $"projected.{layer}"], [experts ? $"sum.{layer}" : $"hidden.{layer + 1}"]);
            if (experts)
                AddExperts(graph, random, layer);
        }

        graph.Node("Gather", "", [$"hidden.{Shape.Layers}", GraphContract.LogitRows], ["last"]);
        graph.Node("MatMul", "", ["last", "head"], [GraphContract.Logits]);
        graph.Input(GraphContract.InputIds, OnnxGraphWriter.Int64, -1).Input(GraphContract.LogitRows, OnnxGraphWriter.Int64, -1);
        AddAttentionInputs(graph, Shape.Layers);
        return graph.Output(GraphContract.Logits, OnnxGraphWriter.Float, -1, Shape.VocabularySize).ToModel();
    }

    /// <summary>A graph of one attention node: <c>qkv</c> in, <c>y</c> out.</summary>
    public static byte[] BuildAttention(params (string Name, object Value)[] attributes)
    {
        var graph = new OnnxGraphWriter();
        AddConstant(graph, "cos", [.. Enumerable.Repeat(1f, 64 * 8)], 64, 8);
        AddConstant(graph, "sin", new float[64 * 8], 64, 8);
        graph.Input("qkv", OnnxGraphWriter.Float, -1, -1);
        AddAttentionInputs(graph, 1);
        AddAttention(graph, "qkv", 0, "y", attributes);
        return graph.Output("y", OnnxGraphWriter.Float, -1, -1).ToModel();
    }

    private static void AddAttention(
        OnnxGraphWriter graph, string input, int layer, string output, params (string Name, object Value)[] attributes) =>
        graph.Node(
            PagedAttentionOp.OpName,
            CustomOpDomain.Name,
            [
                input, "", "", $"key_cache.{layer}", $"value_cache.{layer}", GraphContract.CumulativeLengths,
                GraphContract.PastLengths, GraphContract.BlockTable, "cos", "sin",
            ],
            [output],
            [("num_heads", (long)Shape.QueryHeads), ("kv_num_heads", (long)Shape.KeyValueHeads), ("do_rotary", 1L), .. attributes]);

    private static void AddExperts(OnnxGraphWriter graph, Random random, int layer)
    {
        const int Experts = 6;
        AddRandom(graph, random, $"router.{layer}", Shape.HiddenSize, Experts);
        var offsets = new float[Shape.VocabularySize * Experts];
        offsets[SpoiltToken * Experts] = float.NaN;
        AddConstant(graph, $"offsets.{layer}", offsets, Shape.VocabularySize, Experts);
        AddRandom(graph, random, $"gate_up.{layer}", Experts * 2 * Shape.IntermediateSize, Shape.HiddenSize,
            Experts, 2 * Shape.IntermediateSize, Shape.HiddenSize);
        AddRandom(graph, random, $"down.{layer}", Experts * Shape.HiddenSize, Shape.IntermediateSize,
            Experts, Shape.HiddenSize, Shape.IntermediateSize);
        graph.Node("MatMul", "", [$"sum.{layer}", $"router.{layer}"], [$"scores.{layer}"])
            .Node("Gather", "", [$"offsets.{layer}", GraphContract.InputIds], [$"offset.{layer}"])
            .Node("Add", "", [$"scores.{layer}", $"offset.{layer}"], [$"logits.{layer}"])
            .Node(MixtureOfExpertsOp.OpName, CustomOpDomain.Name,
                [$"sum.{layer}", $"logits.{layer}", "", $"gate_up.{layer}", "", $"down.{layer}"], [$"mixed.{layer}"],
                ("experts", (long)Experts), ("top_k", 2L), ("hidden", (long)Shape.HiddenSize),
                ("intermediate", (long)Shape.IntermediateSize), ("normalize", 1L))
            .Node("Add", "", [$"sum.{layer}", $"mixed.{layer}"], [$"hidden.{layer + 1}"]);
    }

    private static void AddAttentionInputs(OnnxGraphWriter graph, int layers)
    {
        graph.Input(GraphContract.CumulativeLengths, OnnxGraphWriter.Int32, -1).Input(GraphContract.PastLengths, OnnxGraphWriter.Int32, -1);
        graph.Input(GraphContract.BlockTable, OnnxGraphWriter.Int32, -1, -1);
        for (var layer = 0; layer < layers; layer++)
        {
            foreach (var name in new[] { "key_cache", "value_cache" })
                graph.Input($"{name}.{layer}", OnnxGraphWriter.Float, -1, -1, Shape.KeyValueHeads, Shape.HeadSize);
        }
    }

    private static void AddRandom(OnnxGraphWriter graph, Random random, string name, int rows, int columns, params long[] shape)
    {
        var values = new float[rows * columns];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(random.NextDouble() - 0.5);
        AddConstant(graph, name, values, shape.Length > 0 ? shape : [rows, columns]);
    }

    private static void AddConstant(OnnxGraphWriter graph, string name, float[] values, params long[] shape) =>
        graph.Constant(name, OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(values), shape);
}

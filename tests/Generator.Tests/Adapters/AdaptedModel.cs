using System.Runtime.InteropServices;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Tests.Execution;
using Parley.Generator.Tests.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Adapters;

/// <summary>A decoder of two layers with quantised linears, named as in packages: what adapters are added to, in ONNX Runtime.</summary>
internal static class AdaptedModel
{
    private const int Hidden = 64;
    private const int QueryHeads = 4;
    private const int KeyValueHeads = 2;
    private const int HeadSize = 16;
    private const int Mlp = 96;

    public static ModelShape Shape { get; } = new(
        Layers: 2, HiddenSize: Hidden, IntermediateSize: Mlp, QueryHeads, KeyValueHeads, HeadSize, VocabularySize: 50,
        ContextTokensMax: 256, TiedEmbeddings: false);

    public static ModelManifest Manifest { get; } = TinyModel.Manifest("int4") with { Shape = Shape };

    /// <summary>Writes an adapter for it: queries, values, output, gate, up and down of the first layer, queries of the second.</summary>
    public static string WriteAdapter(string root, string name, int seed, float size = 0.3f, int rank = 6)
    {
        var folder = Path.Combine(root, name);
        const int Query = QueryHeads * HeadSize;
        const int KeyValue = KeyValueHeads * HeadSize;
        AdapterFolder.Write(folder, Manifest, seed, size, isNarrow: seed % 2 == 0,
            ("layers.0.qkv", Hidden, [(0, Query, rank), (Query + KeyValue, KeyValue, rank)]),
            ("layers.0.attention_output", Query, [(0, Hidden, rank)]),
            ("layers.0.gate_up", Hidden, [(0, Mlp, rank), (Mlp, Mlp, rank)]),
            ("layers.0.down", Mlp, [(0, Hidden, rank)]),
            ("layers.1.qkv", Hidden, [(0, Query, rank)]));
        return folder;
    }

    /// <summary>Writes <c>model.onnx</c> and returns its path.</summary>
    public static string Write(string folder)
    {
        var path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, Build());
        return path;
    }

    private static byte[] Build()
    {
        var random = new Random(7);
        var graph = new OnnxGraphWriter();
        var half = HeadSize / 2;
        var angles = (from position in Enumerable.Range(0, Shape.ContextTokensMax)
                      from j in Enumerable.Range(0, half)
                      select position * Math.Pow(10000, -j / (double)half)).ToList();
        Floats(graph, "cos", [.. angles.Select(angle => (float)Math.Cos(angle))], Shape.ContextTokensMax, half);
        Floats(graph, "sin", [.. angles.Select(angle => (float)Math.Sin(angle))], Shape.ContextTokensMax, half);
        Floats(graph, "embedding", Random(random, Shape.VocabularySize * Hidden, 1), Shape.VocabularySize, Hidden);
        Floats(graph, "head", Random(random, Hidden * Shape.VocabularySize, 0.2f), Hidden, Shape.VocabularySize);
        graph.Node("Gather", "", ["embedding", GraphContract.InputIds], ["stream.0"]);
        var update = "";
        for (var layer = 0; layer < Shape.Layers; layer++)
        {
            var name = $"layers.{layer}";
            Floats(graph, $"{name}.norm", [.. Enumerable.Repeat(1f, Hidden)], Hidden);
            var stream = update.Length == 0 ? $"stream.{layer}" : $"{name}.sum";
            Linear(graph, $"{name}.qkv", (QueryHeads + (2 * KeyValueHeads)) * HeadSize, Hidden, layer, norm: $"{name}.norm",
                input: $"stream.{layer}", update: update, sum: update.Length == 0 ? "" : stream);
            Attention(graph, layer);
            Linear(graph, $"{name}.attention_output", Hidden, QueryHeads * HeadSize, 10 + layer, input: $"{name}.attended");
            Linear(graph, $"{name}.gate_up", 2 * Mlp, Hidden, 20 + layer, norm: $"{name}.norm", input: stream,
                update: $"{name}.attention_output", sum: $"stream.{layer + 1}", isGated: true);
            Linear(graph, $"{name}.down", Hidden, Mlp, 30 + layer, input: $"{name}.gate_up");
            update = $"{name}.down";
        }

        graph.Node("Add", "", [$"stream.{Shape.Layers}", update], ["whole"])
            .Node("Gather", "", ["whole", GraphContract.LogitRows], ["last"])
            .Node("MatMul", "", ["last", "head"], [GraphContract.Logits]);
        Inputs(graph);
        return graph.Output(GraphContract.Logits, OnnxGraphWriter.Float, -1, Shape.VocabularySize).ToModel();
    }

    private static void Linear(
        OnnxGraphWriter graph, string name, int outputs, int inputs, int seed, string input, string norm = "", string update = "",
        string sum = "", bool isGated = false)
    {
        var matrix = new LinearCase(outputs, inputs, 32, 4, minima: true, seed);
        graph.Constant($"{name}.weight", OnnxGraphWriter.UInt8, matrix.Codes, matrix.Codes.Length / (8 * inputs), 8 * inputs)
            .Constant($"{name}.scale", OnnxGraphWriter.Float16, MemoryMarshal.AsBytes<Half>(matrix.Halves), (outputs + 15) / 16, inputs);
        (string, object)[] attributes =
        [
            ("K", (long)inputs), ("N", (long)outputs), ("bits", 4L), ("group", 32L), ("layout", 1L), ("gated", isGated ? 1L : 0L),
        ];
        graph.Named(name);
        if (norm.Length == 0)
        {
            graph.Node(QuantizedLinearOp.OpName, CustomOpDomain.Name, [input, $"{name}.weight", $"{name}.scale"], [name], attributes);
            return;
        }

        string[] read = [input, $"{name}.weight", $"{name}.scale", norm, .. update.Length == 0 ? Array.Empty<string>() : [update]];
        graph.Node(
            NormalizedLinearOp.OpName, CustomOpDomain.Name, read, sum.Length == 0 ? [name] : [name, sum],
            [.. attributes, ("epsilon", 1e-5f)]);
    }

    private static void Attention(OnnxGraphWriter graph, int layer) => graph.Node(
        PagedAttentionOp.OpName, CustomOpDomain.Name,
        [
            $"layers.{layer}.qkv", "", "", $"key_cache.{layer}", $"value_cache.{layer}", GraphContract.CumulativeLengths,
            GraphContract.PastLengths, GraphContract.BlockTable, "cos", "sin",
        ],
        [$"layers.{layer}.attended"],
        [("num_heads", (long)QueryHeads), ("kv_num_heads", (long)KeyValueHeads), ("do_rotary", 1L)]);

    private static void Inputs(OnnxGraphWriter graph)
    {
        graph.Input(GraphContract.InputIds, OnnxGraphWriter.Int64, -1).Input(GraphContract.LogitRows, OnnxGraphWriter.Int64, -1);
        foreach (var name in new[] { GraphContract.CumulativeLengths, GraphContract.PastLengths })
            graph.Input(name, OnnxGraphWriter.Int32, -1);
        graph.Input(GraphContract.BlockTable, OnnxGraphWriter.Int32, -1, -1);
        for (var layer = 0; layer < Shape.Layers; layer++)
        {
            graph.Input($"key_cache.{layer}", OnnxGraphWriter.Float, -1, -1, KeyValueHeads, HeadSize)
                .Input($"value_cache.{layer}", OnnxGraphWriter.Float, -1, -1, KeyValueHeads, HeadSize);
        }
    }

    private static float[] Random(Random random, int count, float size) =>
        [.. Enumerable.Range(0, count).Select(_ => size * ((2 * random.NextSingle()) - 1))];

    private static void Floats(OnnxGraphWriter graph, string name, float[] values, params long[] shape) =>
        graph.Constant(name, OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(values), shape);
}

using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Latent;
using Parley.PackageFormat;

namespace Parley.Benchmarks;

/// <summary>
/// Latent attention over a paged cache whose blocks lie in random order, with or without the linears of each head around it.
/// </summary>
internal sealed class LatentSession : AttentionSession
{
    private const int BlockTokens = 32;
    private const int Group = 32;

    private readonly LatentShape _shape;
    private readonly KvCachePrecision _precision;
    private readonly int _plain;

    /// <param name="load">Heads and tokens; its head size is that of a value.</param>
    /// <param name="shape">What the cache holds.</param>
    /// <param name="plain">Numbers of a query that do not turn.</param>
    /// <param name="precision">Of the cache.</param>
    /// <param name="withLinears">Whether queries are multiplied by the key half first, and the result by the value half, in 8 bits.</param>
    /// <param name="threads">Of the session.</param>
    public LatentSession(AttentionLoad load, LatentShape shape, int plain, KvCachePrecision precision, bool withLinears, int threads)
        : base(load)
    {
        (_shape, _plain, _precision) = (shape, plain, precision);
        var type = (int)KvCacheFormat.ElementType(precision);
        var graph = new OnnxGraphWriter();
        float[] angles = [.. Enumerable.Range(0, load.Length * shape.Rotary / 2).Select(i => i * 0.01f)];
        AddTable("cos", MathF.Cos);
        AddTable("sin", MathF.Sin);
        graph.Constant("norm", OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>([.. Enumerable.Repeat(1f, shape.Rank)]), shape.Rank);
        graph.Input("queries", OnnxGraphWriter.Float, -1, -1).Input("latents", OnnxGraphWriter.Float, -1, -1);
        graph.Input(GraphContract.CumulativeLengths, OnnxGraphWriter.Int32, -1);
        graph.Input(GraphContract.PastLengths, OnnxGraphWriter.Int32, -1).Input(GraphContract.BlockTable, OnnxGraphWriter.Int32, -1, -1);
        if (!withLinears)
            graph.Input("absorbed", OnnxGraphWriter.Float, -1, -1);
        for (var layer = 0; layer < load.Layers; layer++)
        {
            if (withLinears)
                AddLinear(graph, $"absorbed.{layer}", "queries", plain, shape.Rank, plain + shape.Rotary, inputByHead: 0);
            graph.Input($"key_cache.{layer}", type, -1, -1, 1, -1).Input($"value_cache.{layer}", type, -1, -1, 1, -1)
                .Node(
                    LatentAttentionOp.OpName, CustomOpDomain.Name,
                    [
                        withLinears ? $"absorbed.{layer}" : "absorbed", "queries", "latents", $"key_cache.{layer}", $"value_cache.{layer}",
                        GraphContract.CumulativeLengths, GraphContract.PastLengths, GraphContract.BlockTable, "cos", "sin", "norm",
                    ],
                    [withLinears ? $"attended.{layer}" : $"y.{layer}"],
                    ("num_heads", (long)load.QueryHeads), ("scale", 0.06f), ("rotary_interleaved", 1L))
                .Output($"y.{layer}", OnnxGraphWriter.Float, -1, -1);
            if (withLinears)
                AddLinear(graph, $"y.{layer}", $"attended.{layer}", shape.Rank, load.HeadSize, shape.Rank, inputByHead: 1);
        }

        Open(graph.ToModel(), threads);
        Bind(withLinears);

        void AddTable(string name, Func<float, float> function) => graph.Constant(
            name, OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>([.. angles.Select(function)]), load.Length, shape.Rotary / 2);
    }

    private void AddLinear(OnnxGraphWriter graph, string output, string input, int inputs, int outputs, int stride, long inputByHead)
    {
        var random = new Random(inputs);
        var (heads, blocks) = (Load.QueryHeads, QuantizedLinearLayout.Blocks(outputs));
        var codes = new byte[heads * QuantizedLinearLayout.CodeBytes(outputs, inputs, 2)];
        random.NextBytes(codes);
        var scales = QuantizedLinearLayout.BlockScales(inputs, Group, minima: false);
        var halves = new Half[heads * blocks * scales];
        halves.AsSpan().Fill((Half)0.001f);
        graph.Constant($"{output}.codes", OnnxGraphWriter.UInt8, codes, heads * 2 * blocks, QuantizedLinearLayout.BlockBytes(inputs))
            .Constant($"{output}.scales", OnnxGraphWriter.Float16, MemoryMarshal.AsBytes<Half>(halves), heads * blocks, scales)
            .Node(
                QuantizedPerHeadLinearOp.OpName, CustomOpDomain.Name, [input, $"{output}.codes", $"{output}.scales"], [output],
                ("num_heads", (long)heads), ("inputs", (long)inputs), ("K", (long)inputs), ("N", (long)outputs), ("stride", (long)stride),
                ("input_by_head", inputByHead), ("output_by_head", 1 - inputByHead), ("bits", 8L), ("group", (long)Group), ("layout", 1L));
    }

    private void Bind(bool withLinears)
    {
        var random = new Random(1);
        var columns = (Load.Length + BlockTokens - 1) / BlockTokens;
        var (blocks, tokens) = (columns * Load.Sequences, Load.Sequences * Load.NewTokens);
        var table = Enumerable.Range(0, blocks).ToArray();
        random.Shuffle(table);
        BindInput("queries", Floats(random, tokens, Load.QueryHeads * (_plain + _shape.Rotary)));
        BindInput("latents", Floats(random, tokens, _shape.Rank + _shape.Rotary));
        if (!withLinears)
            BindInput("absorbed", Floats(random, tokens * Load.QueryHeads, _shape.Rank));
        var lengths = Enumerable.Range(0, Load.Sequences + 1).Select(i => i * Load.NewTokens).ToArray();
        BindInput(GraphContract.CumulativeLengths, Integers(lengths, Load.Sequences + 1));
        BindInput(GraphContract.PastLengths, Integers([.. Enumerable.Repeat(Load.Past, Load.Sequences)], Load.Sequences));
        BindInput(GraphContract.BlockTable, Integers(table, Load.Sequences, columns));
        for (var layer = 0; layer < Load.Layers; layer++)
        {
            BindInput($"key_cache.{layer}", Cache(blocks, _shape.RotaryStored));
            BindInput($"value_cache.{layer}", Cache(blocks, _shape.Rank));
            BindOutput($"y.{layer}", withLinears
                ? Floats(null, tokens, Load.QueryHeads * Load.HeadSize) : Floats(null, tokens * Load.QueryHeads, _shape.Rank));
        }
    }

    /// <summary>Blocks of numbers that are some in every precision.</summary>
    private OrtValue Cache(int blocks, int size)
    {
        var value = Allocate(
            KvCacheFormat.ElementType(_precision), KvCacheFormat.ElementBytes(_precision), blocks, BlockTokens, 1,
            size + KvCacheFormat.ScaleElements(_precision));
        var bytes = value.GetTensorMutableRawData();
        if (_precision == KvCachePrecision.Fp32)
            MemoryMarshal.Cast<byte, float>(bytes).Fill(0.1f);
        else if (_precision == KvCachePrecision.Fp16)
            MemoryMarshal.Cast<byte, Half>(bytes).Fill((Half)0.1f);
        else
            bytes.Fill(0x3c);
        return value;
    }
}

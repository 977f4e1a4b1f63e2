using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;

namespace Parley.Benchmarks;

/// <summary>Our operator over a paged cache whose blocks lie in random order.</summary>
internal sealed class PagedAttentionSession : AttentionSession
{
    private readonly KvCachePrecision _precision;

    public PagedAttentionSession(AttentionLoad load, int blockTokens, KvCachePrecision precision, int threads)
        : base(load)
    {
        _precision = precision;
        var type = (int)KvCacheFormat.ElementType(precision);
        var graph = new OnnxGraphWriter();
        AddRotary(graph);
        graph.Input("qkv", OnnxGraphWriter.Float, -1, -1);
        graph.Input(GraphContract.CumulativeLengths, OnnxGraphWriter.Int32, -1);
        graph.Input(GraphContract.PastLengths, OnnxGraphWriter.Int32, -1).Input(GraphContract.BlockTable, OnnxGraphWriter.Int32, -1, -1);
        for (var layer = 0; layer < load.Layers; layer++)
        {
            graph.Input($"key_cache.{layer}", type, -1, -1, load.KeyValueHeads, -1)
                .Input($"value_cache.{layer}", type, -1, -1, load.KeyValueHeads, -1)
                .Node(
                    PagedAttentionOp.OpName,
                    CustomOpDomain.Name,
                    [
                        "qkv", "", "", $"key_cache.{layer}", $"value_cache.{layer}", GraphContract.CumulativeLengths,
                        GraphContract.PastLengths, GraphContract.BlockTable, "cos", "sin",
                    ],
                    [$"y.{layer}"],
                    ("num_heads", (long)load.QueryHeads),
                    ("kv_num_heads", (long)load.KeyValueHeads),
                    ("do_rotary", 1L),
                    load.WindowAttribute)
                .Output($"y.{layer}", OnnxGraphWriter.Float, -1, -1);
        }

        Open(graph.ToModel(), threads);
        Bind(blockTokens);
    }

    private void Bind(int blockTokens)
    {
        var random = new Random(1);
        var columns = (Load.Length + blockTokens - 1) / blockTokens;
        var blocks = columns * Load.Sequences;
        var table = Enumerable.Range(0, blocks).ToArray();
        random.Shuffle(table);
        BindInput("qkv", Floats(random, Load.Sequences * Load.NewTokens, Load.QkvWidth));
        var lengths = Enumerable.Range(0, Load.Sequences + 1).Select(i => i * Load.NewTokens).ToArray();
        BindInput(GraphContract.CumulativeLengths, Integers(lengths, Load.Sequences + 1));
        BindInput(GraphContract.PastLengths, Integers([.. Enumerable.Repeat(Load.Past, Load.Sequences)], Load.Sequences));
        BindInput(GraphContract.BlockTable, Integers(table, Load.Sequences, columns));
        for (var layer = 0; layer < Load.Layers; layer++)
        {
            BindInput($"key_cache.{layer}", Cache(random, blocks, blockTokens));
            BindInput($"value_cache.{layer}", Cache(random, blocks, blockTokens));
            BindOutput($"y.{layer}", Floats(null, Load.Sequences * Load.NewTokens, Load.QueryHeads * Load.HeadSize));
        }
    }

    /// <summary>Blocks of random bytes that are numbers in their precision.</summary>
    private OrtValue Cache(Random random, int blocks, int blockTokens)
    {
        var dimension = Load.HeadSize + KvCacheFormat.ScaleElements(_precision);
        if (_precision == KvCachePrecision.Fp32)
            return Floats(random, blocks, blockTokens, Load.KeyValueHeads, dimension);
        var value = Allocate(
            KvCacheFormat.ElementType(_precision), KvCacheFormat.ElementBytes(_precision),
            blocks, blockTokens, Load.KeyValueHeads, dimension);
        var bytes = value.GetTensorMutableRawData();
        random.NextBytes(bytes);
        if (_precision == KvCachePrecision.Fp16)
        {
            foreach (ref var number in MemoryMarshal.Cast<byte, short>(bytes))
                number = BitConverter.HalfToInt16Bits((Half)((number / 32768f) + 0.001f));
            return value;
        }

        var head = blockTokens * dimension;
        for (var block = 0; block < bytes.Length; block += head)
            MemoryMarshal.Cast<byte, float>(bytes.Slice(block + (blockTokens * Load.HeadSize), blockTokens * sizeof(float))).Fill(1 / 127f);
        return value;
    }
}

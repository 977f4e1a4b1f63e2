using Parley.Generator.Execution;

namespace Parley.Benchmarks;

/// <summary>ONNX Runtime's own operator over a slab of slots, in float32, its cache changed in place.</summary>
internal sealed class GroupQueryAttentionSession : AttentionSession
{
    public GroupQueryAttentionSession(AttentionLoad load, int threads)
        : base(load)
    {
        var capacity = (load.Length + 31) / 32 * 32;
        var graph = new OnnxGraphWriter();
        AddRotary(graph);
        graph.Input("qkv", OnnxGraphWriter.Float, -1, -1, -1);
        graph.Input("seqlens_k", OnnxGraphWriter.Int32, -1).Input("total_sequence_length", OnnxGraphWriter.Int32, 1);
        for (var layer = 0; layer < load.Layers; layer++)
        {
            graph.Node(
                "GroupQueryAttention",
                "com.microsoft",
                ["qkv", "", "", $"past_key.{layer}", $"past_value.{layer}", "seqlens_k", "total_sequence_length", "cos", "sin"],
                [$"y.{layer}", $"present_key.{layer}", $"present_value.{layer}"],
                ("num_heads", (long)load.QueryHeads),
                ("kv_num_heads", (long)load.KeyValueHeads),
                ("do_rotary", 1L), load.WindowAttribute);
            graph.Output($"y.{layer}", OnnxGraphWriter.Float, -1, -1, -1);
            foreach (var name in new[] { "key", "value" })
            {
                graph.Input($"past_{name}.{layer}", OnnxGraphWriter.Float, -1, load.KeyValueHeads, -1, load.HeadSize)
                    .Output($"present_{name}.{layer}", OnnxGraphWriter.Float, -1, load.KeyValueHeads, -1, load.HeadSize);
            }
        }

        Open(graph.ToModel(), threads);
        Bind(capacity);
    }

    private void Bind(int capacity)
    {
        var random = new Random(1);
        BindInput("qkv", Floats(random, Load.Sequences, Load.NewTokens, Load.QkvWidth));
        BindInput("seqlens_k", Integers([.. Enumerable.Repeat(Load.Length - 1, Load.Sequences)], Load.Sequences));
        BindInput("total_sequence_length", Integers([Load.Length], 1));
        for (var layer = 0; layer < Load.Layers; layer++)
        {
            foreach (var name in new[] { "key", "value" })
            {
                var cache = Floats(random, Load.Sequences, Load.KeyValueHeads, capacity, Load.HeadSize);
                BindInput($"past_{name}.{layer}", cache);
                BindOutput($"present_{name}.{layer}", cache);
            }

            BindOutput($"y.{layer}", Floats(null, Load.Sequences, Load.NewTokens, Load.QueryHeads * Load.HeadSize));
        }
    }
}

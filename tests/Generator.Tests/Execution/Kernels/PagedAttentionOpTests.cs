using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;

namespace Parley.Generator.Tests.Execution.Kernels;

/// <summary>The operator within ONNX Runtime: registration, what it refuses, and that refusals are errors, not crashes.</summary>
public sealed class PagedAttentionOpTests
{
    private const int Heads = 6;
    private const int KeyValueHeads = 2;
    private const int HeadSize = 16;
    private const int BlockTokens = 16;
    private const int Blocks = 6;
    private const int Width = (Heads + (2 * KeyValueHeads)) * HeadSize;

    [Fact]
    public void Run_OneToken_IsItsOwnValue()
    {
        using var session = Open();

        var output = Run(session, tokens: 1, cumulative: [0, 1], past: [0], table: [3], columns: 1);

        // The only key has all the weight, so every query head gives the value of its group.
        for (var head = 0; head < Heads; head++)
        {
            for (var d = 0; d < HeadSize; d++)
                Assert.Equal(Value(0, ((Heads + KeyValueHeads + (head / 3)) * HeadSize) + d), output[(head * HeadSize) + d], 1e-6f);
        }
    }

    [Theory]
    [InlineData(new[] { 0, 2 }, new[] { 0 }, new[] { 6 }, 1, "block 0 of sequence 0 is 6")]
    [InlineData(new[] { 0, 2 }, new[] { 0 }, new[] { -1 }, 1, "block 0 of sequence 0 is -1")]
    [InlineData(new[] { 0, 2 }, new[] { 15 }, new[] { 1 }, 1, "needs 2 blocks")]
    [InlineData(new[] { 0, 2 }, new[] { -1 }, new[] { 1 }, 1, "past_seqlens")]
    [InlineData(new[] { 0, 1 }, new[] { 0 }, new[] { 1 }, 1, "cumulative_sequence_length")]
    [InlineData(new[] { 0, 3, 2 }, new[] { 0, 0 }, new[] { 1, 2 }, 1, "descends")]
    [InlineData(new[] { 0, 2 }, new[] { 63 }, new[] { 0, 1, 2, 3, 4 }, 5, "64 positions")]
    [InlineData(new[] { 0, 2 }, new[] { 0, 0 }, new[] { 1 }, 1, "past_seqlens has 2 entries")]
    public void Run_WrongArguments_IsAnErrorThatNamesThem(int[] cumulative, int[] past, int[] table, int columns, string expected)
    {
        using var session = Open();

        var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, 2, cumulative, past, table, columns));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        // A refused call leaves the session usable.
        Run(session, 1, [0, 1], [0], [0], 1);
    }

    [Theory]
    [InlineData("local_window_size", 0L)]
    [InlineData("local_window_size", -2L)]
    [InlineData("is_causal", 0L)]
    public void Load_UnsupportedAttribute_IsRefusedByName(string name, long value)
    {
        using var options = OnnxRuntimeSetup.CreateSessionOptions();

        var exception = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(TinyModel.BuildAttention((name, value)), options));

        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 0f)]
    [InlineData(1, 0f)]
    [InlineData(13, 0f)]
    [InlineData(-1, 0.7f)]
    public void Run_WindowAndSoftcap_MeanWhatGroupQueryAttentionMeans(long windowTokens, float softcap)
    {
        const int Tokens = 40;
        (string, object)[] attributes = [("local_window_size", windowTokens), ("softcap", softcap)];
        using var session = Open(attributes);

        var ours = Run(session, Tokens, [0, Tokens], [0], [3, 1, 4], columns: 3);

        Assert.Equal(RunGroupQueryAttention(Tokens, attributes), ours, (left, right) => Math.Abs(left - right) < 1e-5f);
    }

    [Theory]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    public void Load_ImpossibleSoftcap_IsRefused(float softcap)
    {
        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(("softcap", softcap)));

        Assert.Contains("softcap", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ManySessions_OneOutlivesTheOthers()
    {
        using var kept = Open();
        for (var i = 0; i < 20; i++)
        {
            using var other = Open();
            Run(other, 1, [0, 1], [0], [0], 1);
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(Heads * HeadSize, Run(kept, 1, [0, 1], [0], [0], 1).Length);
    }

    private static InferenceSession Open(params (string Name, object Value)[] attributes)
    {
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 2;
        return new InferenceSession(TinyModel.BuildAttention(attributes), options);
    }

    /// <summary>The same tokens by ONNX Runtime's own operator, as a first prompt.</summary>
    private static float[] RunGroupQueryAttention(int tokens, (string Name, object Value)[] attributes)
    {
        var graph = new OnnxGraphWriter()
            .Input("qkv", OnnxGraphWriter.Float, 1, -1, Width)
            .Input("past_key", OnnxGraphWriter.Float, 1, KeyValueHeads, -1, HeadSize)
            .Input("past_value", OnnxGraphWriter.Float, 1, KeyValueHeads, -1, HeadSize)
            .Input("seqlens_k", OnnxGraphWriter.Int32, 1)
            .Input("total_sequence_length", OnnxGraphWriter.Int32, 1)
            .Node(
                "GroupQueryAttention", "com.microsoft",
                ["qkv", "", "", "past_key", "past_value", "seqlens_k", "total_sequence_length"],
                ["y", "present_key", "present_value"],
                [("num_heads", (long)Heads), ("kv_num_heads", (long)KeyValueHeads), .. attributes])
            .Output("y", OnnxGraphWriter.Float, 1, -1, Heads * HeadSize);
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        using var session = new InferenceSession(graph.ToModel(), options);
        var rows = Rows(tokens);
        using var qkv = OrtValue.CreateTensorValueFromMemory(rows, [1, tokens, Width]);
        using var past = OrtValue.CreateTensorValueFromMemory(Array.Empty<float>(), [1, KeyValueHeads, 0, HeadSize]);
        using var last = OrtValue.CreateTensorValueFromMemory(new[] { tokens - 1 }, [1]);
        using var total = OrtValue.CreateTensorValueFromMemory(new[] { tokens }, [1]);
        using var run = new RunOptions();
        using var results = session.Run(
            run, ["qkv", "past_key", "past_value", "seqlens_k", "total_sequence_length"], [qkv, past, past, last, total], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static float[] Rows(int tokens) => [.. Enumerable.Range(0, tokens * Width).Select(i => Value(i / Width, i % Width))];

    private static float Value(int row, int column) => MathF.Sin((row * 31) + column);

    private static float[] Run(InferenceSession session, int tokens, int[] cumulative, int[] past, int[] table, int columns)
    {
        var rows = Rows(tokens);
        var cache = new float[Blocks * BlockTokens * KeyValueHeads * HeadSize];
        Array.Fill(cache, float.NaN);
        long[] cacheShape = [Blocks, BlockTokens, KeyValueHeads, HeadSize];
        using var qkv = OrtValue.CreateTensorValueFromMemory(rows, [tokens, Width]);
        using var keys = OrtValue.CreateTensorValueFromMemory(cache, cacheShape);
        using var values = OrtValue.CreateTensorValueFromMemory((float[])cache.Clone(), cacheShape);
        using var lengths = OrtValue.CreateTensorValueFromMemory(cumulative, [cumulative.Length]);
        using var pasts = OrtValue.CreateTensorValueFromMemory(past, [past.Length]);
        using var blocks = OrtValue.CreateTensorValueFromMemory(table, [table.Length / columns, columns]);
        using var run = new RunOptions();
        using var results = session.Run(
            run,
            ["qkv", "key_cache.0", "value_cache.0", GraphContract.CumulativeLengths, GraphContract.PastLengths, GraphContract.BlockTable],
            [qkv, keys, values, lengths, pasts, blocks],
            ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}

using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>A head of which only the best outputs count: who looks at these only cannot tell it from the whole linear.</summary>
public sealed class QuantizedHeadTests
{
    public static TheoryData<string> Variants { get; } = [.. QuantizedLinearKernel.Supported.Select(kernel => kernel.Name)];

    [Theory]
    [MemberData(nameof(Variants))]
    public void RunHead_EveryVariant_GivesTheBestAsTheWholeLinearDoes(string name)
    {
        var kernel = Kernel(name);
        foreach (var (rows, group) in new[] { (1, 32), (2, 32), (3, 32), (4, 32), (5, 32), (9, 32), (16, 32), (21, 32), (1, 16), (9, 16) })
        {
            var linear = new LinearCase(1000, 96, group, 8, minima: false, seed: 5);
            var input = linear.RandomRows(rows, seed: rows);
            int[] counts = [.. Enumerable.Range(0, rows).Select(row => 1 + (row * 7 % 15))];
            var expected = linear.Run(kernel, input);
            CheckBest(expected, linear.RunHead(kernel, input, counts, out _), counts, linear.Outputs);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void RunHead_RowsThatWantAll_AreTheWholeLinearsBits(string name)
    {
        var kernel = Kernel(name);
        var linear = new LinearCase(1000, 64, 32, 8, minima: false, seed: 6);
        var input = linear.RandomRows(13, seed: 1);
        var expected = linear.Run(kernel, input);

        // More than a quarter of the blocks, and a number below 0, are all as well.
        int[][] wishes = [new int[13], [1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 16, -1], [.. Enumerable.Repeat(1, 12), 0]];
        foreach (var counts in wishes)
        {
            var actual = linear.RunHead(kernel, input, counts, out _);
            CheckBest(expected, actual, counts, linear.Outputs);
            for (var row = 0; row < counts.Length; row++)
            {
                if (counts[row] is <= 0 or 16)
                    Assert.Equal(Row(expected, row, linear.Outputs), Row(actual, row, linear.Outputs));
            }
        }
    }

    [Fact]
    public void RunHead_LargeHead_ReadsFewBlocksExactly()
    {
        var linear = new LinearCase(20_000, 128, 64, 8, minima: false, seed: 7);
        var input = linear.RandomRows(1, seed: 2);

        var actual = linear.RunHead(QuantizedLinearKernel.Best, input, [1], out var exactBlocks);

        CheckBest(linear.Run(QuantizedLinearKernel.Best, input), actual, [1], linear.Outputs);
        Assert.InRange(exactBlocks, 1, 1250 / 2);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void RunHead_InputsThatLieOut_AreReadExactlyInTheCoarsePass(string name)
    {
        // Their high codes say nothing, so that all they do to a logit is in the low ones.
        var linear = new LinearCase(6_000, 128, 64, 8, minima: false, seed: 11);
        SetHighCodes(linear, input: 37);
        SetHighCodes(linear, input: 90);
        foreach (var rows in new[] { 1, 3, 10 })
        {
            var input = linear.RandomRows(rows, seed: rows);
            for (var row = 0; row < rows; row++)
                (input[(row * 128) + 37], input[(row * 128) + 90]) = (100, -90);
            int[] counts = [.. Enumerable.Repeat(1, rows)];
            var actual = linear.RunHead(Kernel(name), input, counts, out var exactBlocks);
            CheckBest(linear.Run(Kernel(name), input), actual, counts, linear.Outputs);
            Assert.InRange(exactBlocks, 1, 375 * 3 / 4);
        }
    }

    /// <summary>The middle for one input of all outputs.</summary>
    private static void SetHighCodes(LinearCase linear, int input)
    {
        var blockBytes = (int)QuantizedLinearLayout.BlockBytes(linear.Inputs);
        for (var output = 0; output < linear.Outputs; output++)
        {
            var vector = (output / 16 * blockBytes) + (input / 8 * QuantizedLinearLayout.VectorBytes);
            ref var code = ref linear.Codes[vector + (4 * (output % 16)) + (input % 4)];
            code = (byte)(input % 8 < 4 ? (code & 0xF0) | 8 : (code & 0x0F) | 0x80);
        }
    }

    [Fact]
    public void RunHead_ManySeeds_NeverMissesOneOfTheBest()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var linear = new LinearCase(640, 64, 32, 8, minima: false, seed);
            var input = linear.RandomRows(2, seed);
            CheckBest(
                linear.Run(QuantizedLinearKernel.Best, input), linear.RunHead(QuantizedLinearKernel.Best, input, [1, 10], out _),
                [1, 10], linear.Outputs);
        }
    }

    [Fact]
    public void RunHead_EqualLogits_AreAllExact()
    {
        // One code for all weights: every lane of a scale's pattern repeats, so many logits tie.
        var linear = new LinearCase(320, 32, 32, 8, minima: false, seed: 8, code: 131);
        var input = linear.RandomRows(1, seed: 3);

        CheckBest(
            linear.Run(QuantizedLinearKernel.Best, input), linear.RunHead(QuantizedLinearKernel.Best, input, [5], out _), [5],
            linear.Outputs);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void RunHead_RowThatIsNoNumber_IsNaNAsInTheWholeLinear(float value)
    {
        var linear = new LinearCase(320, 64, 32, 8, minima: false, seed: 9);
        var input = linear.RandomRows(3, seed: 4);
        input[64 + 7] = value;

        var actual = linear.RunHead(QuantizedLinearKernel.Best, input, [1, 1, 1], out _);

        Assert.All(Row(actual, 1, 320), logit => Assert.True(float.IsNaN(logit)));
        CheckBest(linear.Run(QuantizedLinearKernel.Best, input), actual, [1, 0, 1], 320);
    }

    [Fact]
    public void Run_WithinOnnxRuntime_GivesTheBestAsTheWholeLinearDoes()
    {
        var linear = new LinearCase(20_001, 128, 64, 8, minima: false, seed: 10);
        using var session = Open(linear);
        foreach (var rows in new[] { 1, 3, 17, 0, 40 })
        {
            var input = linear.RandomRows(rows, seed: rows);
            int[] counts = [.. Enumerable.Range(0, rows).Select(row => (row % 3) switch { 0 => 1, 1 => 50, _ => row % 2 })];
            CheckBest(linear.Run(QuantizedLinearKernel.Best, input), Run(session, input, 128, counts), counts, linear.Outputs);
        }
    }

    [Fact]
    public void Run_AnotherNumberOfCounts_IsAnErrorThatNamesBoth()
    {
        using var session = Open(new LinearCase(32, 32, 32, 8, minima: false, seed: 3));

        var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, new float[64], 32, [1]));

        Assert.Contains("2 rows come with 1 numbers", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(8, true)]
    public void Load_FourBitsOrMinima_IsRefused(int bits, bool minima)
    {
        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(new LinearCase(32, 32, 32, bits, minima, seed: 3)));

        Assert.Contains("a head has 8 bits and no minima", exception.Message, StringComparison.Ordinal);
    }

    private static QuantizedLinearKernel Kernel(string name) => QuantizedLinearKernel.Supported.Single(kernel => kernel.Name == name);

    private static float[] Row(float[] values, int row, int width) => values[(row * width)..((row + 1) * width)];

    /// <summary>What is at least the n-th best is the same, and everything else below it.</summary>
    private static void CheckBest(float[] expected, float[] actual, int[] counts, int outputs)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var row = 0; row < counts.Length; row++)
        {
            var (whole, best) = (Row(expected, row, outputs), Row(actual, row, outputs));
            if (counts[row] <= 0)
                continue;
            var least = whole.OrderDescending().ElementAt(counts[row] - 1);
            for (var i = 0; i < outputs; i++)
            {
                if (whole[i] >= least)
                    Assert.Equal(whole[i], best[i]);
                else
                    Assert.True(best[i] < least, $"row {row}, output {i}: {best[i]} is not below {least}");
            }
        }
    }

    private static InferenceSession Open(LinearCase linear)
    {
        var blocks = QuantizedLinearLayout.Blocks(linear.Outputs);
        var model = new OnnxGraphWriter()
            .Input("x", OnnxGraphWriter.Float, -1, -1)
            .Input("best", OnnxGraphWriter.Int32, -1)
            .Constant("codes", OnnxGraphWriter.UInt8, linear.Codes, linear.Bits / 4 * blocks,
                QuantizedLinearLayout.BlockBytes(linear.Inputs))
            .Constant("scales", OnnxGraphWriter.Float16, MemoryMarshal.AsBytes<Half>(linear.Halves), blocks, linear.Halves.Length / blocks)
            .Node(QuantizedHeadOp.OpName, CustomOpDomain.Name, ["x", "codes", "scales", "best"], ["y"],
                ("layout", (long)linear.Layout), ("K", (long)linear.Inputs), ("N", (long)linear.Outputs),
                ("bits", (long)linear.Bits), ("group", (long)linear.Group))
            .Output("y", OnnxGraphWriter.Float, -1, -1)
            .ToModel();
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 2;
        return new InferenceSession(model, options);
    }

    private static float[] Run(InferenceSession session, float[] rows, int inputs, int[] counts)
    {
        using var x = OrtValue.CreateTensorValueFromMemory(rows, [rows.Length / inputs, inputs]);
        using var best = OrtValue.CreateTensorValueFromMemory(counts, [counts.Length]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x", "best"], [x, best], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}

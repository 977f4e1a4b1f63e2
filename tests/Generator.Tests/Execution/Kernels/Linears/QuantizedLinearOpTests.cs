using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>The operator within ONNX Runtime, on two threads.</summary>
public sealed class QuantizedLinearOpTests
{
    [Theory]
    [InlineData(24, 96, 32, 4, true, null)]
    [InlineData(528, 576, 64, 4, true, null)]
    [InlineData(1000, 576, 64, 8, false, null)]
    [InlineData(2048, 256, 128, 4, false, null)]
    [InlineData(1000, 288, 32, 8, true, null)]
    [InlineData(1000, 256, 16, 8, false, null)]
    [InlineData(528, 576, 32, 4, false, "iq4")]
    public void Run_AnyRows_GivesTheBitsOfTheScalarKernel(int outputs, int inputs, int group, int bits, bool minima, string? levels)
    {
        var linear = LinearCase.Create(outputs, inputs, group, bits, minima, levels, seed: 3);
        using var session = Open(linear);
        foreach (var count in new[] { 1, 2, 5, 40, 3, 130 })
        {
            var rows = linear.RandomRows(count, seed: count);
            Assert.Equal(linear.Run(QuantizedLinearKernel.ScalarVariant, rows), Run(session, rows, inputs));
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void Run_Gated_GivesTheBitsOfTheScalarKernel(int bits)
    {
        var linear = new LinearCase(1024, 576, 64, bits, minima: false, seed: 3);
        using var session = Open(linear, ("gated", 1L));
        foreach (var count in new[] { 1, 20 })
        {
            var rows = linear.RandomRows(count, seed: count);
            Assert.Equal(linear.Run(QuantizedLinearKernel.ScalarVariant, rows, gated: true), Run(session, rows, 576));
        }
    }

    [Theory]
    [InlineData(4, true, 33)]
    [InlineData(4, false, 16)]
    [InlineData(8, true, 1)]
    [InlineData(8, false, 100)]
    public void Run_FirstOutputsAlone_GivesTheirBits(int bits, bool minima, int first)
    {
        var linear = new LinearCase(200, 96, 32, bits, minima, seed: 4);
        using var session = Open(linear, ("first", (long)first));
        foreach (var count in new[] { 1, 3, 4, 9 })
        {
            var rows = linear.RandomRows(count, seed: count);
            var expected = linear.Run(QuantizedLinearKernel.ScalarVariant, rows).Chunk(200).SelectMany(row => row[..first]);
            Assert.Equal(expected, Run(session, rows, 96));
        }
    }

    [Fact]
    public void Load_FirstOutputsOfAGate_AreRefused()
    {
        var linear = new LinearCase(64, 64, 32, 4, minima: true, seed: 3);

        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(linear, ("gated", 1L), ("first", 32L)));

        Assert.Contains("first is 32 of a gated linear", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_NoRows_GivesNone()
    {
        using var session = Open(new LinearCase(16, 32, 32, 4, minima: true, seed: 3));

        Assert.Empty(Run(session, [], 32));
    }

    [Fact]
    public void Run_RowsOfAnotherWidth_IsAnErrorThatNamesBoth()
    {
        using var session = Open(new LinearCase(16, 32, 32, 4, minima: true, seed: 3));

        var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, new float[64], 64));

        Assert.Contains("64 inputs, not 32", exception.Message, StringComparison.Ordinal);
        Assert.Equal(16, Run(session, new float[32], 32).Length);
    }

    [Theory]
    [InlineData("layout", 3L, "layout 3")]
    [InlineData("layout", 2L, "need layout 1")]
    [InlineData("layout", 0L, "layout 0")]
    [InlineData("bits", 3L, "bits 3")]
    [InlineData("bits", 8L, "codes [2, 512]")]
    [InlineData("group", 8L, "group 8")]
    [InlineData("group", 16L, "scales [2, 64]")]
    [InlineData("group", 64L, "scales [2, 64]")]
    [InlineData("K", 96L, "codes [2, 512]")]
    [InlineData("K", 48L, "K 48")]
    [InlineData("N", 33L, "codes [2, 512]")]
    [InlineData("N", 0L, "N 0")]
    [InlineData("gated", 1L, "gated linear has 24 outputs")]
    [InlineData("first", 0L, "first is 0")]
    [InlineData("first", 25L, "first is 25, not 1 to 24")]
    public void Load_AttributeThatDoesNotFit_IsRefusedAndSaysWhatToDo(string name, long value, string expected)
    {
        var linear = new LinearCase(24, 64, 32, 4, minima: true, seed: 3);

        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(linear, (name, value)));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains("import the model again", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>A build that knows no tables would read the codes as numbers, so such a node has a layout that it refuses.</summary>
    [Theory]
    [InlineData("levels", 0, "need layout 2")]
    [InlineData("layout", 2, "need layout 1")]
    public void Load_TableUnderTheWrongLayout_IsRefused(string what, int layout, string expected)
    {
        var linear = LinearCase.Create(24, 64, 32, 4, minima: false, what == "levels" ? "iq4" : null, seed: 3);

        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(linear, ("layout", layout == 2 ? 2L : 1L)));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(15, 4, 32, "levels must be 16 numbers")]
    [InlineData(17, 4, 32, "a list of 17 numbers")]
    [InlineData(-16, 4, 32, "levels must be 16 numbers from -128 to 127")]
    [InlineData(16, 8, 32, "levels go with 4 bits")]
    [InlineData(16, 4, 16, "levels go with 4 bits")]
    public void Load_TableThatDoesNotFit_IsRefused(int count, int bits, int group, string expected)
    {
        var linear = LinearCase.Create(24, 64, group, bits, minima: false, levels: null, seed: 3);
        var levels = Enumerable.Range(0, Math.Abs(count)).Select(i => count < 0 ? 128L : i).ToArray();

        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(linear, ("layout", 2L), ("levels", levels)));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(24, 96, 32, 4, true, null)]
    [InlineData(40, 128, 128, 4, false, null)]
    [InlineData(1000, 576, 64, 8, false, null)]
    [InlineData(40, 128, 32, 8, true, null)]
    [InlineData(40, 128, 16, 4, true, null)]
    [InlineData(40, 128, 32, 4, false, "fp4")]
    public void Gather_AnyRows_GivesTheirWeights(int outputs, int inputs, int group, int bits, bool minima, string? levels)
    {
        var matrix = LinearCase.Create(outputs, inputs, group, bits, minima, levels, seed: 3);
        using var session = Open(matrix, QuantizedGatherOp.OpName, OnnxGraphWriter.Int64, [-1]);
        long[] ids = [outputs - 1, 0, 17, 17, outputs / 2];
        using var indices = OrtValue.CreateTensorValueFromMemory(ids, [ids.Length]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x"], [indices], ["y"]);
        var actual = results[0].GetTensorDataAsSpan<float>();

        for (var i = 0; i < ids.Length; i++)
        {
            var expected = matrix.Weights((int)ids[i]);
            for (var k = 0; k < inputs; k++)
                Assert.Equal(expected[k], actual[(i * inputs) + k], 1e-6);
        }
    }

    [Theory]
    [InlineData(24L)]
    [InlineData(-1L)]
    public void Gather_IndexBeyondTheRows_IsAnErrorThatNamesIt(long id)
    {
        using var session = Open(
            new LinearCase(24, 32, 32, 8, minima: false, seed: 3), QuantizedGatherOp.OpName, OnnxGraphWriter.Int64, [-1]);
        using var indices = OrtValue.CreateTensorValueFromMemory(new[] { 3, id }, [2]);
        using var run = new RunOptions();

        var exception = Assert.Throws<OnnxRuntimeException>(() => session.Run(run, ["x"], [indices], ["y"]));

        Assert.Contains($"index 1 is {id}, the matrix has 24 rows", exception.Message, StringComparison.Ordinal);
    }

    private static InferenceSession Open(LinearCase linear, params (string Name, object Value)[] changed) =>
        Open(linear, QuantizedLinearOp.OpName, OnnxGraphWriter.Float, [-1, -1], changed);

    private static InferenceSession Open(
        LinearCase linear, string name, int inputType, long[] inputShape, params (string Name, object Value)[] changed)
    {
        var blocks = QuantizedLinearLayout.Blocks(linear.Outputs);
        var names = changed.Select(attribute => attribute.Name).ToList();
        (string Name, object Value)[] attributes =
        [
            ("layout", (long)linear.Layout), ("K", (long)linear.Inputs), ("N", (long)linear.Outputs),
            ("bits", (long)linear.Bits), ("group", (long)linear.Group),
        ];
        if (linear.Levels is { } levels)
            attributes = [.. attributes, ("levels", levels.Levels.ToArray().Select(level => (long)level).ToArray())];
        var model = new OnnxGraphWriter()
            .Input("x", inputType, inputShape)
            .Constant("codes", OnnxGraphWriter.UInt8, linear.Codes, linear.Bits / 4 * blocks,
                QuantizedLinearLayout.BlockBytes(linear.Inputs))
            .Constant("scales", OnnxGraphWriter.Float16, MemoryMarshal.AsBytes<Half>(linear.Halves), blocks, linear.Halves.Length / blocks)
            .Node(name, CustomOpDomain.Name, ["x", "codes", "scales"], ["y"],
                [.. attributes.Where(attribute => !names.Contains(attribute.Name)), .. changed])
            .Output("y", OnnxGraphWriter.Float, -1, -1)
            .ToModel();
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 2;
        return new InferenceSession(model, options);
    }

    private static float[] Run(InferenceSession session, float[] rows, int inputs)
    {
        using var x = OrtValue.CreateTensorValueFromMemory(rows, [rows.Length / inputs, inputs]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x"], [x], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}

using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>The operator within ONNX Runtime, on two threads.</summary>
public sealed class QuantizedLinearOpTests
{
    [Theory]
    [InlineData(24, 96, 32, 4, true)]
    [InlineData(528, 576, 64, 4, true)]
    [InlineData(1000, 576, 64, 8, false)]
    [InlineData(2048, 256, 128, 4, false)]
    public void Run_AnyRows_GivesTheBitsOfTheScalarKernel(int outputs, int inputs, int group, int bits, bool minima)
    {
        var linear = new LinearCase(outputs, inputs, group, bits, minima, seed: 3);
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
    [InlineData("layout", 2L, "layout 2")]
    [InlineData("layout", 0L, "layout 0")]
    [InlineData("bits", 3L, "bits 3")]
    [InlineData("bits", 8L, "codes [2, 512]")]
    [InlineData("group", 16L, "group 16")]
    [InlineData("group", 64L, "scales [2, 64]")]
    [InlineData("K", 96L, "codes [2, 512]")]
    [InlineData("K", 48L, "K 48")]
    [InlineData("N", 33L, "codes [2, 512]")]
    [InlineData("N", 0L, "N 0")]
    [InlineData("gated", 1L, "gated linear has 24 outputs")]
    public void Load_AttributeThatDoesNotFit_IsRefusedAndSaysWhatToDo(string name, long value, string expected)
    {
        var linear = new LinearCase(24, 64, 32, 4, minima: true, seed: 3);

        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(linear, (name, value)));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains("import the model again", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(24, 96, 32, 4, true)]
    [InlineData(40, 128, 128, 4, false)]
    [InlineData(1000, 576, 64, 8, false)]
    public void Gather_AnyRows_GivesTheirWeights(int outputs, int inputs, int group, int bits, bool minima)
    {
        var matrix = new LinearCase(outputs, inputs, group, bits, minima, seed: 3);
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
            ("layout", (long)QuantizedLinearLayout.Version), ("K", (long)linear.Inputs), ("N", (long)linear.Outputs),
            ("bits", (long)linear.Bits), ("group", (long)linear.Group),
        ];
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

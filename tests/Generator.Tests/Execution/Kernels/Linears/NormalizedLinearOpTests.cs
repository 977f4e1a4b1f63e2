using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>The operator of two outputs within ONNX Runtime, on two threads.</summary>
public sealed class NormalizedLinearOpTests
{
    private const float Epsilon = 1e-6f;

    [Theory]
    [InlineData(24, 96, 32, 4, false)]
    [InlineData(528, 576, 64, 4, true)]
    [InlineData(1000, 576, 64, 8, false)]
    public void Run_AnyRows_GivesProductAndSumOfTheScalarKernel(int outputs, int inputs, int group, int bits, bool gated)
    {
        gated &= outputs % 32 == 0;
        var linear = new LinearCase(outputs, inputs, group, bits, minima: bits == 4, seed: 3);
        using var session = Open(linear, hasUpdate: true, hasSum: true, changed: ("gated", gated ? 1L : 0L));
        foreach (var count in new[] { 1, 2, 5, 40, 3, 0, 130 })
        {
            float[] residual = linear.RandomRows(count, seed: count), update = linear.RandomRows(count, seed: -count);
            var (output, sum) = Run(session, inputs, residual, update);
            var expected = linear.RunNormalized(
                QuantizedLinearKernel.ScalarVariant, residual, update, Weight(inputs), Epsilon, gated);
            Assert.Equal(expected.Output, output);
            Assert.Equal(expected.Sum, sum);
        }
    }

    [Fact]
    public void Run_WithoutUpdate_NormalisesTheStream()
    {
        var linear = new LinearCase(48, 96, 32, 4, minima: true, seed: 3);
        using var session = Open(linear, hasUpdate: false, hasSum: false);
        var residual = linear.RandomRows(5, seed: 5);

        Assert.Equal(
            linear.RunNormalized(QuantizedLinearKernel.ScalarVariant, residual, null, Weight(96), Epsilon).Output,
            Run(session, 96, residual, null).Output);
    }

    [Fact]
    public void Run_UpdateOfAnotherShape_IsAnErrorThatNamesBoth()
    {
        using var session = Open(new LinearCase(16, 32, 32, 4, minima: true, seed: 3), hasUpdate: true, hasSum: true);

        var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, 32, new float[64], new float[32]));

        Assert.Contains("the update is [1, 32], not [2, 32]", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_UpdateWithoutAnOutputForTheSum_IsAnError()
    {
        using var session = Open(new LinearCase(16, 32, 32, 4, minima: true, seed: 3), hasUpdate: true, hasSum: false);

        var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, 32, new float[64], new float[64], wantsSum: false));

        Assert.Contains("no output for the sum", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("epsilon", 0f, "epsilon is 0")]
    [InlineData("epsilon", -1f, "epsilon is -1")]
    [InlineData("epsilon", float.NaN, "epsilon is NaN")]
    [InlineData("layout", 3L, "layout 3")]
    [InlineData("gated", 1L, "gated linear has 24 outputs")]
    public void Load_AttributeThatDoesNotFit_IsRefusedAndSaysWhatToDo(string name, object value, string expected)
    {
        var exception = Assert.Throws<OnnxRuntimeException>(
            () => Open(new LinearCase(24, 64, 32, 4, minima: true, seed: 3), hasUpdate: true, hasSum: true, changed: (name, value)));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains("import the model again", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WeightOfAnotherWidth_IsRefusedAndSaysWhatToDo()
    {
        var exception = Assert.Throws<OnnxRuntimeException>(
            () => Open(new LinearCase(24, 64, 32, 4, minima: true, seed: 3), hasUpdate: true, hasSum: true, weightWidth: 32));

        Assert.Contains("weight [32] does not fit K 64", exception.Message, StringComparison.Ordinal);
        Assert.Contains("import the model again", exception.Message, StringComparison.Ordinal);
    }

    private static float[] Weight(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => 0.5f + random.NextSingle())];
    }

    private static InferenceSession Open(
        LinearCase linear, bool hasUpdate, bool hasSum, int? weightWidth = null, params (string Name, object Value)[] changed)
    {
        var blocks = QuantizedLinearLayout.Blocks(linear.Outputs);
        var weight = Weight(weightWidth ?? linear.Inputs);
        var names = changed.Select(attribute => attribute.Name).ToList();
        (string Name, object Value)[] attributes =
        [
            ("layout", (long)QuantizedLinearLayout.Version), ("K", (long)linear.Inputs), ("N", (long)linear.Outputs),
            ("bits", (long)linear.Bits), ("group", (long)linear.Group), ("epsilon", Epsilon),
        ];
        var graph = new OnnxGraphWriter()
            .Input("x", OnnxGraphWriter.Float, -1, -1)
            .Constant("codes", OnnxGraphWriter.UInt8, linear.Codes, linear.Bits / 4 * blocks,
                QuantizedLinearLayout.BlockBytes(linear.Inputs))
            .Constant("scales", OnnxGraphWriter.Float16, MemoryMarshal.AsBytes<Half>(linear.Halves), blocks, linear.Halves.Length / blocks)
            .Constant("weight", OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(weight), weight.Length)
            .Output("y", OnnxGraphWriter.Float, -1, -1);
        string[] inputs = ["x", "codes", "scales", "weight"], outputs = ["y"];
        if (hasUpdate)
        {
            graph.Input("update", OnnxGraphWriter.Float, -1, -1);
            inputs = [.. inputs, "update"];
        }

        if (hasSum)
        {
            graph.Output("sum", OnnxGraphWriter.Float, -1, -1);
            outputs = [.. outputs, "sum"];
        }

        var model = graph.Node(NormalizedLinearOp.OpName, CustomOpDomain.Name, inputs, outputs,
            [.. attributes.Where(attribute => !names.Contains(attribute.Name)), .. changed]).ToModel();
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 2;
        return new InferenceSession(model, options);
    }

    private static (float[] Output, float[] Sum) Run(
        InferenceSession session, int inputs, float[] residual, float[]? update, bool wantsSum = true)
    {
        using var x = OrtValue.CreateTensorValueFromMemory(residual, [residual.Length / inputs, inputs]);
        using var added = OrtValue.CreateTensorValueFromMemory(update ?? [], [(update?.Length ?? 0) / inputs, inputs]);
        using var run = new RunOptions();
        wantsSum &= update is not null;
        using var results = update is null
            ? session.Run(run, ["x"], [x], ["y"])
            : session.Run(run, ["x", "update"], [x, added], wantsSum ? ["y", "sum"] : ["y"]);
        return (results[0].GetTensorDataAsSpan<float>().ToArray(), wantsSum ? results[1].GetTensorDataAsSpan<float>().ToArray() : []);
    }
}

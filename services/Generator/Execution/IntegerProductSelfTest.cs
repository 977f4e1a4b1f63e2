using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution;

/// <summary>
/// Whether this processor multiplies u8 by s8 exactly in ONNX Runtime: without VNNI pairs of products are added in 16 bits and
/// saturate, which shows only with large values, so it is tried with the largest.
/// </summary>
internal static class IntegerProductSelfTest
{
    private const int Inner = 64;
    private const int Columns = 32;

    private static readonly Lazy<bool> Result = new(Run);

    /// <summary>The result, found once per process.</summary>
    public static bool IsExact => Result.Value;

    /// <summary>Refuses a precision that this processor would compute wrongly.</summary>
    /// <exception cref="NotSupportedException">The precision is <c>w8a8</c> and the processor saturates.</exception>
    public static void Require(string precision, string package) => Require(precision, package, () => IsExact);

    internal static void Require(string precision, string package, Func<bool> isExact)
    {
        if (precision == "w8a8" && !isExact())
        {
            throw new NotSupportedException(
                $"{package}: precision w8a8 needs a processor with VNNI (8-bit products saturate on this one); "
                + "import the model with --precision int8 or int4 instead.");
        }
    }

    private static bool Run()
    {
        var weights = new byte[Inner * Columns];
        Array.Fill(weights, (byte)127);
        var scales = new float[Columns];
        Array.Fill(scales, 1);
        var model = new OnnxGraphWriter()
            .Input("x", OnnxGraphWriter.UInt8, 1, Inner)
            .Constant("w", OnnxGraphWriter.Int8, weights, Inner, Columns)
            .Constant("one", OnnxGraphWriter.Float, BitConverter.GetBytes(1f))
            .Constant("scales", OnnxGraphWriter.Float, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(scales), Columns)
            .Constant("zero_point", OnnxGraphWriter.UInt8, [0])
            .Node("MatMulIntegerToFloat", "com.microsoft", ["x", "w", "one", "scales", "zero_point"], ["y"])
            .Output("y", OnnxGraphWriter.Float, 1, Columns)
            .ToModel();
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 1;
        using var session = new InferenceSession(model, options);
        var input = new byte[Inner];
        Array.Fill(input, byte.MaxValue);
        using var x = OrtValue.CreateTensorValueFromMemory(input, [1, Inner]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x"], [x], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().IndexOfAnyExcept(Inner * 127f * byte.MaxValue) < 0;
    }
}

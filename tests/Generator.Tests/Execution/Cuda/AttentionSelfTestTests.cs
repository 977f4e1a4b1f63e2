using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Cuda;

/// <summary>The self-test's wiring with our own operator on both sides, and its verdicts.</summary>
public sealed class AttentionSelfTestTests
{
    private static readonly GraphTarget Rehearsal = new("rehearsal", "fp32", "paged", 0);
    private static readonly GraphTarget Half = new("cuda", "fp16", "paged", 0);

    [Theory]
    [InlineData(64, 256)]
    [InlineData(128, 128)]
    public void Run_TheSameOperatorOnBothSides_IsExact(int headSize, int blockTokens)
    {
        var shape = new ModelShape(1, 64, 64, 4, 2, headSize, 32, 1024, true);
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        using var memory = new RehearsalMemory();

        var comparison = new AttentionSelfTest(shape, Rehearsal, blockTokens).Run(options, memory);

        Assert.Equal(new LogitComparison(0, 0), comparison);
        AttentionSelfTest.Require(comparison, Rehearsal, "here");
    }

    /// <summary>Our operator over blocks against ONNX Runtime's own over slots: two implementations, one result.</summary>
    [Theory]
    [InlineData(64, 256)]
    [InlineData(128, 128)]
    public void Run_GroupQueryAttentionOverSlots_AgreesWithOurs(int headSize, int blockTokens)
    {
        var shape = new ModelShape(1, 64, 64, 4, 2, headSize, 32, 1024, true);
        var slots = Rehearsal with { Attention = "group-query" };
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        using var memory = new RehearsalMemory();

        var comparison = new AttentionSelfTest(shape, slots, blockTokens).Run(options, memory);

        Assert.InRange(comparison.Relative, 1e-12, 1e-6);
        AttentionSelfTest.Require(comparison, slots, "here");
        var wrong = Assert.Throws<InvalidDataException>(
            () => AttentionSelfTest.Require(new LogitComparison(1, 1), slots, "here"));
        Assert.Contains("GroupQueryAttention differs", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1e-3, 3e-3, true)]
    [InlineData(3e-3, 3e-3, false)]
    [InlineData(1e-3, 1e-2, false)]
    [InlineData(double.NaN, double.NaN, false)]
    public void Require_BeyondRounding_Refuses(double relative, double worst, bool served)
    {
        var comparison = new LogitComparison(relative, worst);
        if (served)
            AttentionSelfTest.Require(comparison, Half, "GPU");
        else
            Assert.Contains("nothing is served", Assert.Throws<InvalidDataException>(
                () => AttentionSelfTest.Require(comparison, Half, "GPU")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Comparison_IsRelativeToWhatWasExpected()
    {
        var comparison = LogitComparison.Of([3, -4, 0], [3, -4, 0.5f]);

        Assert.Equal(0.1, comparison.Relative, 1e-9);
        Assert.Equal(0.125, comparison.Worst, 1e-9);
        Assert.True(double.IsNaN(LogitComparison.Of([1], [float.NaN]).Relative));
        Assert.False(LogitComparison.Of([0, 1], [float.PositiveInfinity, 1]).IsWithin(1));
    }

    /// <summary>16 bits at the edges: rounding to even, subnormals, and that encoding what was rounded loses nothing.</summary>
    [Theory]
    [InlineData("fp16", 1.00048828125f, 1f)]
    [InlineData("fp16", 6e-8f, 5.9604645e-8f)]
    [InlineData("bf16", 1.00390625f, 1f)]
    [InlineData("bf16", 1.01171875f, 1.015625f)]
    [InlineData("fp32", 1.1f, 1.1f)]
    public void NarrowFloat_Rounds(string type, float value, float expected)
    {
        Assert.Equal(expected, NarrowFloat.Round(value, type));
        Assert.Equal([expected, -expected], NarrowFloat.Decode(NarrowFloat.Encode([expected, -expected], type), type));
    }
}

using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Kernels.Experts;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Tests.Execution.Kernels.Experts;

/// <summary>Both operators within ONNX Runtime, on two threads.</summary>
public sealed class MixtureOfExpertsOpTests
{
    private static readonly ExpertSettings Settings = new()
    {
        Experts = 8,
        TopK = 3,
        Hidden = 96,
        Intermediate = 64,
        Scoring = ExpertScoring.SoftmaxOfChosen,
        Clamped = true,
        Alpha = 1.702f,
        Limit = 7,
        Groups = 4,
        GroupsChosen = 2,
    };

    /// <summary>Sizes that fill no vector, and no tile of outputs.</summary>
    private static readonly ExpertSettings Odd = new()
    {
        Experts = 6,
        TopK = 2,
        Hidden = 32,
        Intermediate = 64,
        Scoring = ExpertScoring.Sigmoid,
        Normalize = true,
        NormalizeEpsilon = 1e-20f,
        Scale = 1.5f,
    };

    [Theory]
    [InlineData("4-32-minima")]
    [InlineData("4-32-fp4")]
    [InlineData("8-32-scale")]
    public void RunQuantized_AnyRows_GivesTheBitsOfTheScalarKernel(string format)
    {
        var experts = new ExpertsCase(Settings, format, biases: true, corrected: true);
        using var session = experts.OpenQuantized();
        foreach (var count in new[] { 1, 2, 5, 40, 3, 600, 0 })
        {
            float[] rows = experts.Rows(count), logits = experts.Logits(count);
            Assert.Equal(experts.Run(QuantizedLinearKernel.ScalarVariant, rows, logits), experts.Run(session, rows, logits));
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void RunFloat_AnyRows_EqualsDoublePrecision(int scoring, bool biases)
    {
        foreach (var settings in new[] { Settings, Odd, Odd with { Experts = 1, TopK = 1 }, Odd with { TopK = 6 } })
        {
            var experts = new ExpertsCase(settings with { Scoring = (ExpertScoring)scoring }, "8-32-scale", biases, corrected: biases);
            using var session = experts.OpenFloat();
            float[] rows = experts.Rows(50), logits = experts.Logits(50);
            var expected = experts.Expected(rows, logits, kernel: null);
            var largest = expected.Max(Math.Abs);

            var actual = experts.Run(session, rows, logits);

            for (var i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], 3e-6 * largest);
            Assert.Equal(settings.Hidden * 50, actual.Length);
        }
    }

    [Fact]
    public void RunFloat_RowsAloneOrTogether_GivesTheSameBits()
    {
        var experts = new ExpertsCase(Odd, "8-32-scale", biases: true, corrected: true);
        using var session = experts.OpenFloat();
        float[] rows = experts.Rows(40), logits = experts.Logits(40);
        var alone = Enumerable.Range(0, 40)
            .SelectMany(row => experts.Run(session, rows[(row * 32)..((row + 1) * 32)], logits[(row * 6)..((row + 1) * 6)])).ToArray();
        foreach (var count in new[] { 1, 2, 3, 5, 17, 40 })
            Assert.Equal(alone[..(count * 32)], experts.Run(session, rows[..(count * 32)], logits[..(count * 6)]));
        Assert.Empty(experts.Run(session, [], []));
    }

    [Fact]
    public void RunFloat_RouterThatIsNaN_SpoilsOnlyItsRow()
    {
        var experts = new ExpertsCase(Odd, "8-32-scale");
        using var session = experts.OpenFloat();
        float[] rows = experts.Rows(9), logits = experts.Logits(9);
        var expected = experts.Run(session, rows, logits);
        logits[(4 * 6) + 2] = float.NaN;

        var actual = experts.Run(session, rows, logits);

        for (var i = 0; i < actual.Length; i++)
            Assert.Equal(i / 32 == 4 ? float.NaN : expected[i], actual[i]);
    }

    [Fact]
    public void RunFloat_OneRow_ReadsTheChosenExperts()
    {
        var experts = new ExpertsCase(Odd, "8-32-scale");
        using var session = experts.OpenFloat();
        var before = ExpertReads.Bytes;

        experts.Run(session, experts.Rows(1), experts.Logits(1));

        Assert.Equal(2 * 3 * 32 * 64 * sizeof(float), ExpertReads.Bytes - before);
    }

    /// <summary>What a benchmark takes from a package's weights before it adds the experts that a step has read.</summary>
    [Fact]
    public void Load_EitherOperator_CountsItsExpertsAsHeld()
    {
        var experts = new ExpertsCase(Odd, "8-32-minima");
        var before = ExpertReads.HeldBytes;
        using var quantized = experts.OpenQuantized();
        var between = ExpertReads.HeldBytes;
        using var floats = experts.OpenFloat();

        Assert.Equal(Odd.Experts * experts.ExpertBytes, between - before);
        Assert.Equal(Odd.Experts * 3L * Odd.Hidden * Odd.Intermediate * sizeof(float), ExpertReads.HeldBytes - between);
    }

    [Fact]
    public void Run_InputsOfOtherSizes_AreErrorsThatNameThem()
    {
        var experts = new ExpertsCase(Odd, "8-32-scale");
        using var session = experts.OpenQuantized();

        var logits = Assert.Throws<OnnxRuntimeException>(() => experts.Run(session, experts.Rows(2), experts.Logits(3)));

        Assert.Contains("router's logits are [3, 6], not [2, 6]", logits.Message, StringComparison.Ordinal);
        Assert.Equal(64, experts.Run(session, experts.Rows(2), experts.Logits(2)).Length);
    }

    [Theory]
    [InlineData("experts", 0L, "experts is 0, not from 1 to 1024")]
    [InlineData("experts", 7L, "groups 4 do not divide 7 experts")]
    [InlineData("experts", 12L, "codes [64, 768] do not fit 12 times N 128, K 96 and bits 4")]
    [InlineData("top_k", 9L, "top_k is 9, not from 1 to 8")]
    [InlineData("top_k", 5L, "top_k 5 is more than 2 of 4 groups of 8 experts have")]
    [InlineData("hidden", null, "hidden is 0")]
    [InlineData("intermediate", 0L, "intermediate is 0")]
    [InlineData("intermediate", 96L, "gate_up: the codes [64, 768] do not fit 8 times N 192")]
    [InlineData("scoring", 3L, "scoring is 3")]
    [InlineData("activation", 3L, "activation is 3")]
    [InlineData("normalize", 2L, "normalize is 2")]
    [InlineData("normalize_epsilon", -1f, "normalize_epsilon is -1")]
    [InlineData("scale", float.PositiveInfinity, "scale is")]
    [InlineData("alpha", null, "alpha is 0")]
    [InlineData("limit", float.NaN, "limit is NaN")]
    [InlineData("groups", 8L, "groups 8 do not divide 8 experts into two or more")]
    [InlineData("groups_chosen", 5L, "groups_chosen is 5")]
    [InlineData("gate_up_bits", 3L, "gate_up: bits 3")]
    [InlineData("gate_up_layout", 2L, "gate_up: bits 4, group 32")]
    [InlineData("down_group", 64L, "down: the scales [48, 64] do not fit 8 times N 96")]
    [InlineData("down_layout", 9L, "down: the weights have layout 9")]
    public void Load_AttributeThatDoesNotFit_IsRefusedByName(string name, object? value, string expected)
    {
        var experts = new ExpertsCase(Settings, "4-32-minima", biases: true);

        var exception = Assert.Throws<OnnxRuntimeException>(() => experts.OpenQuantized((name, value)).Dispose());

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains("import the model again", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hidden", 64L, "gate_up is [8, 128, 96], not [8, 128, 64]")]
    [InlineData("intermediate", 32L, "gate_up is [8, 128, 96], not [8, 64, 96]")]
    public void LoadFloat_ConstantThatDoesNotFit_IsRefusedByName(string name, long value, string expected)
    {
        var experts = new ExpertsCase(Settings, "4-32-minima", biases: true);

        var exception = Assert.Throws<OnnxRuntimeException>(() => experts.OpenFloat((name, value)).Dispose());

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }
}

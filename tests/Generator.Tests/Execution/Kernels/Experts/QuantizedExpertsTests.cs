using Parley.Generator.Execution.Kernels.Experts;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Tests.Execution.Kernels.Experts;

/// <summary>
/// The arithmetic of quantised experts alone: against the linear's kernel and double precision, every instruction set against the scalar
/// one, rows alone against together and in any order.
/// </summary>
public sealed class QuantizedExpertsTests
{
    private static readonly QuantizedLinearKernel Scalar = QuantizedLinearKernel.ScalarVariant;

    private static readonly ExpertSettings Qwen = new()
    {
        Experts = 12,
        TopK = 4,
        Hidden = 96,
        Intermediate = 64,
        Scoring = ExpertScoring.SoftmaxOfAll,
        Normalize = true,
    };

    private static readonly ExpertSettings GptOss = new()
    {
        Experts = 5,
        TopK = 2,
        Hidden = 160,
        Intermediate = 96,
        Scoring = ExpertScoring.SoftmaxOfChosen,
        Clamped = true,
        Alpha = 1.702f,
        Limit = 0.5f,
    };

    private static readonly ExpertSettings Glm = new()
    {
        Experts = 16,
        TopK = 3,
        Hidden = 64,
        Intermediate = 32,
        Scoring = ExpertScoring.Sigmoid,
        Normalize = true,
        NormalizeEpsilon = 1e-20f,
        Scale = 2.5f,
        Groups = 4,
        GroupsChosen = 2,
    };

    private static readonly ExpertSettings One = new() { Experts = 1, TopK = 1, Hidden = 32, Intermediate = 32, Scale = 0.5f };

    private static readonly ExpertSettings All = new() { Experts = 6, TopK = 6, Hidden = 64, Intermediate = 64 };

    /// <summary>Whose routing, format of the weights, biases, correction.</summary>
    public static TheoryData<string, string, bool, bool> Cases { get; } = new()
    {
        { "qwen", "4-32-minima", false, false },
        { "qwen", "8-32-scale", false, false },
        { "qwen", "4-16-minima", false, false },
        { "gpt-oss", "4-32-fp4", true, false },
        { "gpt-oss", "4-32-scale", true, false },
        { "gpt-oss", "8-32-minima", true, false },
        { "glm", "4-32-iq4", false, true },
        { "glm", "8-16-scale", true, true },
        { "one", "4-32-scale", true, false },
        { "all", "4-64-scale", false, false },
        { "all", "8-64-scale", false, true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_AnyExperts_IsTheLinearsOfEachRowAlone(string name, string format, bool biases, bool corrected)
    {
        var experts = Create(name, format, biases, corrected);
        float[] rows = experts.Rows(21), logits = experts.Logits(21);

        var actual = experts.Run(Scalar, rows, logits);

        // What lies between the two matrices is rounded to 8 bits: a last bit that differs there may turn one such rounding.
        AssertClose(experts.Expected(rows, logits, Scalar), actual, 2e-3);
        AssertClose(experts.Expected(rows, logits, kernel: null), actual, 0.05);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_EveryInstructionSet_GivesTheBitsOfTheScalarOne(string name, string format, bool biases, bool corrected)
    {
        var experts = Create(name, format, biases, corrected);
        foreach (var count in new[] { 1, 2, 3, 7, 19, 40 })
        {
            float[] rows = experts.Rows(count, count), logits = experts.Logits(count, count);
            var expected = Bits(experts.Run(Scalar, rows, logits));
            foreach (var kernel in QuantizedLinearKernel.Supported)
                Assert.Equal(expected, Bits(experts.Run(kernel, rows, logits)));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_RowsAloneTogetherOrInAnotherOrder_GivesTheSameBits(string name, string format, bool biases, bool corrected)
    {
        const int Count = 33;
        var experts = Create(name, format, biases, corrected);
        var (hidden, width) = (experts.Settings.Hidden, experts.Settings.Experts);
        float[] rows = experts.Rows(Count), logits = experts.Logits(Count);
        var order = Enumerable.Range(0, Count).ToArray();
        new Random(5).Shuffle(order);
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var alone = Enumerable.Range(0, Count)
                .Select(row => Bits(experts.Run(kernel, Part(rows, row, hidden), Part(logits, row, width)))).ToArray();
            for (var count = 1; count <= Count; count++)
            {
                var together = Bits(experts.Run(kernel, rows[..(count * hidden)], logits[..(count * width)]));
                Assert.Equal(alone.Take(count).SelectMany(bits => bits), together);
            }

            var shuffled = Bits(experts.Run(
                kernel, [.. order.SelectMany(row => Part(rows, row, hidden))], [.. order.SelectMany(row => Part(logits, row, width))]));
            Assert.Equal(order.SelectMany(row => alone[row]), shuffled);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Run_RouterWithoutNumbers_SpoilsOnlyItsRow(float value)
    {
        foreach (var name in new[] { "qwen", "gpt-oss", "glm" })
        {
            var experts = Create(name, "4-32-scale", biases: name == "gpt-oss", corrected: false);
            float[] rows = experts.Rows(9), logits = experts.Logits(9);
            var spoilt = logits.ToArray();
            // A sigmoid of infinity is 1, so of GLM's an infinity is a number.
            spoilt[(4 * experts.Settings.Experts) + 1] = name == "glm" ? float.NaN : value;
            var expected = experts.Run(Scalar, rows, logits);
            foreach (var kernel in QuantizedLinearKernel.Supported)
                AssertSpoilt(expected, experts.Run(kernel, rows, spoilt), experts.Settings.Hidden, row: 4);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Run_RowWithoutNumbers_SpoilsOnlyItself(float value)
    {
        foreach (var name in new[] { "qwen", "gpt-oss" })
        {
            var experts = Create(name, "4-32-scale", biases: name == "gpt-oss", corrected: false);
            float[] rows = experts.Rows(9), logits = experts.Logits(9);
            var expected = experts.Run(Scalar, rows, logits);
            Array.Fill(rows, value, 4 * experts.Settings.Hidden, experts.Settings.Hidden);
            foreach (var kernel in QuantizedLinearKernel.Supported)
                AssertSpoilt(expected, experts.Run(kernel, rows, logits), experts.Settings.Hidden, row: 4);
        }
    }

    [Fact]
    public void Run_AllRowsWithoutAChoice_IsNaNAndReadsNothing()
    {
        var experts = Create("qwen", "4-32-scale", biases: false, corrected: false);
        var before = ExpertReads.Bytes;

        var actual = experts.Run(Scalar, experts.Rows(3), [.. Enumerable.Repeat(float.NaN, 3 * 12)]);

        Assert.All(actual, value => Assert.True(float.IsNaN(value)));
        Assert.Equal(before, ExpertReads.Bytes);
    }

    /// <summary>The chosen experts' bytes and no others at decode; at prefill those of all, once.</summary>
    [Theory]
    [InlineData("4-32-minima")]
    [InlineData("4-32-fp4")]
    [InlineData("8-32-scale")]
    public void Run_AnyRows_ReadsEachChosenExpertOnce(string format)
    {
        var experts = Create("gpt-oss", format, biases: true, corrected: false);
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            Assert.Equal(2 * experts.ExpertBytes, Read(experts, kernel, [0, 9, 0, 8, 0]));
            Assert.Equal(3 * experts.ExpertBytes, Read(experts, kernel, [9, 0, 0, 8, 0], [9, 0, 0, 0, 8], [9, 0, 0, 0, 8]));
            var many = Enumerable.Range(0, 40).Select(row => Enumerable.Range(0, 5).Select(i => (float)((row + i) % 5)).ToArray());
            Assert.Equal(5 * experts.ExpertBytes, Read(experts, kernel, [.. many]));
        }
    }

    [Fact]
    public void Run_NoRows_DoesNothing()
    {
        var experts = Create("qwen", "4-32-scale", biases: false, corrected: false);

        Assert.Empty(experts.Run(Scalar, [], []));
    }

    /// <summary>A step that its memory does not hold in one pass gives the same bits in several.</summary>
    [Fact]
    public void Run_MoreRowsThanAPassHolds_GivesTheSameBits()
    {
        var settings = One with { Hidden = 1024, Intermediate = 4096, Experts = 2, TopK = 2 };
        var experts = new ExpertsCase(settings, "4-128-scale");
        var kernel = QuantizedLinearKernel.Best;
        // A row needs some 55 KB, so 256 MiB hold 4,900 rows or so.
        const int Count = 6000;
        float[] few = experts.Rows(4), logits = experts.Logits(4);
        var expected = experts.Run(kernel, few, logits);
        var before = ExpertReads.Bytes;

        var actual = experts.Run(
            kernel, [.. Enumerable.Range(0, Count / 4).SelectMany(_ => few)], [.. Enumerable.Range(0, Count / 4).SelectMany(_ => logits)]);

        Assert.Equal(2 * 2 * experts.ExpertBytes, ExpertReads.Bytes - before);
        for (var i = 0; i < actual.Length; i += expected.Length)
            Assert.True(actual.AsSpan(i, expected.Length).SequenceEqual(expected), $"rows from {i / 1024} on differ");
    }

    private static long Read(ExpertsCase experts, QuantizedLinearKernel kernel, params float[][] logits)
    {
        var before = ExpertReads.Bytes;
        experts.Run(kernel, experts.Rows(logits.Length), [.. logits.SelectMany(row => row)]);
        return ExpertReads.Bytes - before;
    }

    private static ExpertsCase Create(string name, string format, bool biases, bool corrected) => new(
        name switch { "qwen" => Qwen, "gpt-oss" => GptOss, "glm" => Glm, "one" => One, _ => All }, format, biases, corrected);

    private static float[] Part(float[] values, int row, int width) => values[(row * width)..((row + 1) * width)];

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];

    private static void AssertSpoilt(float[] expected, float[] actual, int hidden, int row)
    {
        for (var i = 0; i < actual.Length; i++)
        {
            if (i / hidden == row)
                Assert.True(float.IsNaN(actual[i]), $"[{i}] is {actual[i]}");
            else
                Assert.Equal(expected[i], actual[i]);
        }
    }

    private static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var allowed = tolerance * expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= allowed, $"[{i}] is {actual[i]}, not {expected[i]} ± {allowed}");
    }
}

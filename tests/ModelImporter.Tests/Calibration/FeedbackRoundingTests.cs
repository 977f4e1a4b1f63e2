using Parley.ModelImporter.Calibration;
using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Tests.Calibration;

public sealed class FeedbackRoundingTests
{
    private const int Tokens = 900;

    [Theory]
    [InlineData(1)]
    [InlineData(96)]
    [InlineData(300)]
    public void Factor_TimesItsTranspose_IsTheMatrixWithItsDamping(int size)
    {
        var h = Hessian(Inputs(size, seed: 3));
        var expected = (float[])h.Data.Clone();
        var damping = 0.01 * Enumerable.Range(0, size).Average(i => expected[(i * size) + i]);

        UpperFactor.Compute(h, new ParallelOptions());

        for (var r = 0; r < size; r++)
        {
            for (var c = r; c < size; c++)
            {
                var product = Enumerable.Range(c, size - c).Sum(k => (double)h.Row(r)[k] * h.Row(c)[k]);
                Assert.Equal(expected[(r * size) + c] + (r == c ? damping : 0), product, 1e-3);
            }
        }
    }

    [Fact]
    public void Factor_OfInputsThatAreNotFinite_IsRefused()
    {
        var h = new Matrix([float.NaN, 0, 0, 1], 2, 2);
        Assert.Throws<InvalidDataException>(() => UpperFactor.Compute(h, new ParallelOptions()));
    }

    /// <summary>Inputs that go together let later weights make up for earlier ones; without that there is nothing to gain.</summary>
    [Theory]
    [InlineData(256, 32, true)]
    [InlineData(256, 64, true)]
    [InlineData(640, 64, true)]
    [InlineData(256, 128, true)]
    [InlineData(640, 128, false)]
    public void Round_InputsThatGoTogether_GivesOutputsCloserThanPlainRounding(int columns, int group, bool hasMinimum)
    {
        var (inputs, weights) = (Inputs(columns, seed: 1), Weights(40, columns));
        var plain = new Matrix((float[])weights.Data.Clone(), 40, columns);
        Span<byte> codes = new byte[columns / 2];
        Span<float> scales = new float[columns / group];
        Span<float> offsets = new float[columns / group];
        for (var row = 0; row < 40; row++)
        {
            AffineQuantizer.Quantize(weights.Row(row), group, codes, scales, offsets, hasMinimum);
            for (var i = 0; i < columns; i++)
                plain.Row(row)[i] = AffineQuantizer.Weight(codes, scales, offsets, group, i);
        }

        var (rounded, result) = Round(weights, inputs, group, hasMinimum);

        Assert.InRange(OutputError(weights, rounded, inputs) / OutputError(weights, plain, inputs), 0.01, 0.7);
        for (var row = 0; row < 40; row++)
        {
            result.Copy(row, codes, scales, offsets);
            for (var i = 0; i < columns; i++)
                Assert.Equal(rounded.Row(row)[i], AffineQuantizer.Weight(codes, scales, offsets, group, i));
            foreach (var scale in scales)
                Assert.Equal((float)(Half)scale, scale);
        }
    }

    /// <summary>Rows are shared out to threads; none depends on another.</summary>
    [Fact]
    public void Round_RowsAlone_AreThoseOfTheWhole()
    {
        var (inputs, weights) = (Inputs(640, seed: 4), Weights(200, 640));

        var (whole, _) = Round(weights, inputs, 64, hasMinimum: true);
        var (alone, _) = Round(new Matrix([.. weights.Row(150)], 1, 640), inputs, 64, hasMinimum: true);

        Assert.Equal(whole.Row(150), alone.Row(0));
    }

    [Fact]
    public void Round_WeightsOnAGrid_StayThere()
    {
        var weights = Weights(10, 64);
        for (var row = 0; row < 10; row++)
        {
            for (var i = 0; i < 64; i++)
                weights.Row(row)[i] = (i % 32) switch { 0 => -0.25f, 1 => 0.21875f, _ => (MathF.Round(weights.Row(row)[i] * 32) - 1) / 32 };
        }

        var (rounded, _) = Round(weights, Inputs(64, seed: 2), 32, hasMinimum: true);

        Assert.Equal(weights.Data, rounded.Data);
    }

    private static (Matrix Rounded, RoundedLinear Result) Round(Matrix weights, Matrix inputs, int group, bool hasMinimum)
    {
        var h = Hessian(inputs);
        UpperFactor.Compute(h, new ParallelOptions());
        var rounded = new Matrix((float[])weights.Data.Clone(), weights.Rows, weights.Columns);
        return (rounded, FeedbackRounding.Round(rounded, h, group, hasMinimum, new ParallelOptions()));
    }

    private static Matrix Hessian(Matrix inputs)
    {
        var h = new Matrix(new float[inputs.Columns * inputs.Columns], inputs.Columns, inputs.Columns);
        MatrixProduct.Add(h, inputs.Transposed, inputs, 1f / inputs.Rows);
        return h;
    }

    /// <summary>Each input is mostly a mixture of a few hidden ones.</summary>
    private static Matrix Inputs(int columns, int seed)
    {
        var random = new Random(seed);
        var mixture = Enumerable.Range(0, 8 * columns).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var inputs = new Matrix(new float[Tokens * columns], Tokens, columns);
        for (var token = 0; token < Tokens; token++)
        {
            var hidden = Enumerable.Range(0, 8).Select(_ => random.NextSingle() - 0.5f).ToArray();
            for (var i = 0; i < columns; i++)
            {
                inputs.Row(token)[i] = (0.2f * (random.NextSingle() - 0.5f))
                    + Enumerable.Range(0, 8).Sum(k => hidden[k] * mixture[(k * columns) + i]);
            }
        }

        return inputs;
    }

    private static Matrix Weights(int rows, int columns)
    {
        var random = new Random(rows);
        var values = Enumerable.Range(0, rows * columns).Select(_ => (random.NextSingle() + random.NextSingle() - 1) * 0.2f);
        return new([.. values], rows, columns);
    }

    private static double OutputError(Matrix weights, Matrix rounded, Matrix inputs)
    {
        var differences = new Matrix([.. weights.Data.Zip(rounded.Data, (a, b) => a - b)], weights.Rows, weights.Columns);
        var outputs = new Matrix(new float[inputs.Rows * weights.Rows], inputs.Rows, weights.Rows);
        MatrixProduct.Add(outputs, inputs, differences.Transposed);
        return outputs.Data.Sum(value => (double)value * value);
    }
}

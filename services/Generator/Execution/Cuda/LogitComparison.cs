namespace Parley.Generator.Execution.Cuda;

/// <summary>How far two results of the same arithmetic are apart.</summary>
/// <param name="Relative">‖actual − expected‖ / ‖expected‖; NaN when either holds NaN.</param>
/// <param name="Worst">Largest difference over the largest magnitude expected.</param>
internal readonly record struct LogitComparison(double Relative, double Worst)
{
    /// <summary>Compares.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static LogitComparison Of(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        if (expected.Length != actual.Length)
            throw new ArgumentException($"{actual.Length} values, not {expected.Length}.", nameof(actual));
        var (errors, squares, worst, largest) = (0.0, 0.0, 0.0, 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs((double)actual[i] - expected[i]);
            errors += difference * difference;
            squares += (double)expected[i] * expected[i];
            worst = Math.Max(worst, difference);
            largest = Math.Max(largest, Math.Abs(expected[i]));
        }

        if (double.IsNaN(errors) || double.IsNaN(squares))
            return new LogitComparison(double.NaN, double.NaN);
        return new LogitComparison(Ratio(Math.Sqrt(errors), Math.Sqrt(squares)), Ratio(worst, largest));
    }

    /// <summary>Whether the results are as close as rounding allows; what is not a number never is.</summary>
    public bool IsWithin(double relativeMax) => Relative <= relativeMax && Worst <= 4 * relativeMax;

    private static double Ratio(double error, double magnitude) => error == 0 ? 0 : error / magnitude;
}

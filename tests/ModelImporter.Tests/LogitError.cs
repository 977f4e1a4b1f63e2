namespace Parley.ModelImporter.Tests;

/// <summary>How far logits are from the reference's, over any number of rows.</summary>
internal sealed class LogitError
{
    private double _difference;
    private double _magnitude;

    /// <summary>Of all rows: largest difference over largest magnitude.</summary>
    public double Worst { get; private set; }

    /// <summary>Root mean square of the differences over that of the reference: what quantisation costs on the whole.</summary>
    public double RootMeanSquare => Math.Sqrt(_difference / _magnitude);

    public void Add(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        Worst = Math.Max(Worst, Fixture.RelativeError(actual, expected));
        for (var i = 0; i < actual.Length; i++)
        {
            _difference += ((double)actual[i] - expected[i]) * ((double)actual[i] - expected[i]);
            _magnitude += (double)expected[i] * expected[i];
        }
    }

    public override string ToString() => $"worst {Worst:E2}, root mean square {RootMeanSquare:E2}";
}

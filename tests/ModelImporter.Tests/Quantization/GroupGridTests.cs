using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Tests.Quantization;

public sealed class GroupGridTests
{
    /// <summary>
    /// Normal weights, in units of their variance. Measured: 0.0049, 0.0067 and 0.0083; from minimum to maximum in fifteen steps loses
    /// 0.0056, 0.0076 and 0.0095, and a search of spreads without the descent 0.0052, 0.0071 and 0.0087.
    /// </summary>
    [Theory]
    [InlineData(32, 0.0050)]
    [InlineData(64, 0.0068)]
    [InlineData(128, 0.0085)]
    public void Fit_NormalWeights_LosesLessThanSpreadsAlone(int group, double errorMax)
    {
        var random = new Random(group);
        var (error, squares) = (0.0, 0.0);
        for (var trial = 0; trial < 400; trial++)
        {
            var weights = Normal(random, group);
            error += Error(weights, GroupGrid.Fit(weights), _ => 1);
            squares += weights.Sum(weight => (double)weight * weight);
        }

        Assert.InRange(error / squares, 0.8 * errorMax, errorMax);
    }

    /// <summary>Where a weight's error counts more than another's, the grid serves it.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    public void Fit_WithImportance_LosesLessOfWhatCounts(int group)
    {
        var random = new Random(group);
        float[] importance = [.. Enumerable.Range(0, group).Select(i => i % 4 == 0 ? 1f : 0.01f)];
        var (alike, weighted) = (0.0, 0.0);
        for (var trial = 0; trial < 100; trial++)
        {
            var weights = Normal(random, group);
            alike += Error(weights, GroupGrid.Fit(weights), i => importance[i]);
            weighted += Error(weights, GroupGrid.Fit(weights, importance), i => importance[i]);
        }

        Assert.InRange(weighted / alike, 0.1, 0.8);
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(1e-12f)]
    public void Fit_EqualImportance_IsTheFitWithoutIt(float importance)
    {
        var weights = Normal(new Random(7), 64);
        var (alike, weighted) = (GroupGrid.Fit(weights), GroupGrid.Fit(weights, [.. Enumerable.Repeat(importance, 64)]));
        Assert.Equal(alike.Scale, weighted.Scale, 1e-4f * alike.Scale);
        Assert.Equal(alike.Minimum, weighted.Minimum, 1e-3f);
    }

    private static float[] Normal(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];

    private static double Error(float[] weights, GroupGrid grid, Func<int, double> importance) => weights.Select((weight, i) =>
    {
        var difference = weight - (double)grid.Value(grid.Code(weight));
        return importance(i) * difference * difference;
    }).Sum();
}

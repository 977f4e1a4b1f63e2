using Parley.Cli.Evaluation;

namespace Parley.Model.Tests.Evaluation;

public sealed class LogitRowTests
{
    [Theory]
    [InlineData(3, 1f)]
    [InlineData(1024, 20f)]
    [InlineData(5000, 5f)]
    public void Divergence_OfTwoRows_IsThatOfThePlainFormula(int width, float spread)
    {
        var random = new Random(width);
        var (p, q) = (Row(random, width, spread), Row(random, width, spread));
        var (logP, logQ) = (Plain(p), Plain(q));
        var expected = p.Select((logit, i) => Math.Exp(logit - logP) * (logit - logP - (q[i] - logQ))).Sum();

        Assert.Equal(logP, LogitRow.LogSumExp(p), 1e-5);
        Assert.InRange(LogitRow.Divergence(p, LogitRow.LogSumExp(p), q, LogitRow.LogSumExp(q)) / expected, 1 - 1e-4, 1 + 1e-4);
    }

    [Fact]
    public void Divergence_OfARowThatIsShifted_IsNothing()
    {
        var row = Row(new Random(1), 2000, 8);
        float[] shifted = [.. row.Select(logit => logit + 3)];

        Assert.InRange(LogitRow.Divergence(row, LogitRow.LogSumExp(row), shifted, LogitRow.LogSumExp(shifted)), 0, 1e-6);
    }

    private static float[] Row(Random random, int width, float spread) =>
        [.. Enumerable.Range(0, width).Select(_ => (random.NextSingle() - 0.5f) * spread)];

    private static double Plain(float[] row) => Math.Log(row.Sum(logit => Math.Exp(logit)));
}

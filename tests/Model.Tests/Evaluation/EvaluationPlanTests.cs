using Parley.Cli.Evaluation;

namespace Parley.Model.Tests.Evaluation;

public sealed class EvaluationPlanTests
{
    [Theory]
    [InlineData(100, 16, 16, 0)]
    [InlineData(100, 16, 5, 0)]
    [InlineData(97, 32, 1, 0)]
    [InlineData(100, 16, 7, 2)]
    [InlineData(2, 16, 16, 0)]
    [InlineData(1, 16, 16, 1)]
    public void Windows_OfAText_ScoreNoIdTwiceAndNoneWithoutItsPast(int tokens, int window, int stride, int prefix)
    {
        uint[] ids = [.. Enumerable.Range(100, tokens).Select(id => (uint)id)];
        var plan = new EvaluationPlan(ids, [.. Enumerable.Range(1, prefix).Select(id => (uint)id)], window, stride);

        var scored = plan.Windows.SelectMany(part => part.Ids[part.FirstScored..]).ToList();
        Assert.Equal(scored.Order().Distinct(), scored);
        Assert.Equal(plan.ScoredTokens, scored.Count);
        Assert.All(plan.Windows, part => Assert.InRange(part.Ids.Length, 2, window + prefix));
        // Without a prefix the first id of a text is never scored, nor that of a window that overlaps none.
        var missing = prefix > 0 ? 0 : stride == window ? (tokens + window - 1) / window : 1;
        Assert.Equal(tokens - missing, scored.Count);
    }

    [Fact]
    public void Windows_ThatOverlap_GiveEveryLaterIdAtLeastTheOverlapAsItsPast()
    {
        var plan = new EvaluationPlan([.. Enumerable.Range(0, 200).Select(id => (uint)id)], [], windowTokens: 32, strideTokens: 8);

        Assert.All(plan.Windows.Skip(1), part => Assert.True(part.FirstScored >= 24, $"{part.FirstScored}"));
    }
}

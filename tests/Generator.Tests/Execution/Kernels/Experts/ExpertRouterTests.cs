using Parley.Generator.Execution.Kernels.Experts;

namespace Parley.Generator.Tests.Execution.Kernels.Experts;

/// <summary>A router's choice for single rows.</summary>
public sealed unsafe class ExpertRouterTests
{
    [Fact]
    public void Choose_RandomLogits_IsThatOfTheDefinitions()
    {
        var random = new Random(3);
        foreach (var scoring in Enum.GetValues<ExpertScoring>())
        {
            for (var trial = 0; trial < 300; trial++)
            {
                var groups = 1 << random.Next(3);
                var settings = new ExpertSettings
                {
                    Experts = 8 * groups,
                    TopK = 1 + random.Next(8),
                    Hidden = 1,
                    Intermediate = 1,
                    Scoring = scoring,
                    Normalize = random.Next(2) == 0,
                    NormalizeEpsilon = 1e-20f,
                    Scale = 1 + random.NextSingle(),
                    Groups = groups,
                    GroupsChosen = 1 + random.Next(groups),
                    GroupBest = 1 + random.Next(2),
                };
                // Whole numbers, so that there are ties.
                float[] logits = [.. Enumerable.Range(0, settings.Experts).Select(_ => (float)random.Next(-6, 6))];
                var correction = random.Next(2) == 0 ? null : logits.Select(_ => random.Next(4) / 8f).ToArray();
                var expected = ExpertsReference.Route(settings, logits, correction);

                var actual = Choose(settings, logits, correction);

                for (var expert = 0; expert < settings.Experts; expert++)
                    Assert.Equal(expected[expert], actual![expert], 1e-6);
            }
        }
    }

    [Fact]
    public void Choose_Ties_TakesTheLowerIndices()
    {
        var settings = new ExpertSettings { Experts = 6, TopK = 2, Hidden = 1, Intermediate = 1 };

        Assert.Equal([0, 0.25, 0, 0.25, 0, 0], Choose(settings, [0, 5, 0, 5, 5, 5], null)!.Select(weight => Math.Round(weight, 2)));
    }

    [Fact]
    public void Choose_Correction_ChangesTheChoiceAndNotTheWeight()
    {
        var settings = new ExpertSettings { Experts = 3, TopK = 1, Hidden = 1, Intermediate = 1, Scoring = ExpertScoring.Sigmoid };

        Assert.Equal([0, 0, 0.5], Choose(settings, [4, 4, 0], [0, 0, 1])!);
    }

    [Theory]
    [InlineData(0, float.NaN)]
    [InlineData(1, float.NaN)]
    [InlineData(2, float.NaN)]
    [InlineData(0, float.PositiveInfinity)]
    [InlineData(1, float.PositiveInfinity)]
    public void Choose_NoNumber_IsNoChoice(int scoring, float value)
    {
        var settings = new ExpertSettings
        {
            Experts = 4,
            TopK = 2,
            Hidden = 1,
            Intermediate = 1,
            Scoring = (ExpertScoring)scoring,
            Normalize = true,
        };

        Assert.Null(Choose(settings, [1, value, 2, 3], null));
        Assert.NotNull(Choose(settings, [1, float.NegativeInfinity, 2, 3], null));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Choose_NothingFinite_IsNoChoice(int scoring)
    {
        var settings = new ExpertSettings { Experts = 4, TopK = 2, Hidden = 1, Intermediate = 1, Scoring = (ExpertScoring)scoring };

        Assert.Null(Choose(settings, [.. Enumerable.Repeat(float.NegativeInfinity, 4)], null));
    }

    private static double[]? Choose(ExpertSettings settings, float[] logits, float[]? correction)
    {
        var chosen = new int[settings.TopK];
        var weights = new float[settings.TopK];
        fixed (float* row = logits, added = correction, factors = weights)
        fixed (int* experts = chosen)
        {
            if (!new ExpertRouter(settings, added).Choose(row, experts, factors))
                return null;
        }

        Assert.Equal(chosen.Distinct().Order(), chosen);
        var all = new double[settings.Experts];
        for (var i = 0; i < chosen.Length; i++)
            all[chosen[i]] = weights[i];
        return all;
    }
}

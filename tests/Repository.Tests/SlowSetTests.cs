using Parley.TestSupport;

namespace Parley.Repository.Tests;

/// <summary>What is slow stays out of the default run, and the one command for it finds it.</summary>
public sealed class SlowSetTests
{
    private static readonly string Command = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, ".ci", "slow"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0")]
    public void SkipReason_UnlessAskedFor_NamesTheCommand(string? value) => Assert.Contains(".ci/slow", SlowSet.SkipReasonFor(value));

    [Fact]
    public void SkipReason_AskedForAsTheCommandDoes_IsNone()
    {
        Assert.Contains("PARLEY_SLOW_TESTS=1", Command);
        Assert.Null(SlowSet.SkipReasonFor("1"));
    }

    [Fact]
    public void Traits_OfSlowTests_AreWhatTheCommandSelects()
    {
        var trait = Assert.Single(new SlowFactAttribute().GetTraits());
        Assert.Equal(trait, Assert.Single(new SlowTheoryAttribute().GetTraits()));
        Assert.Contains($"{trait.Key}={trait.Value}", Command);
    }

    [Fact]
    public void SlowTests_WithoutTheCommand_AreSkippedByTheirAttributes()
    {
        Assert.Equal(SlowSet.SkipReason, new SlowFactAttribute().Skip);
        Assert.Equal(SlowSet.SkipReason, new SlowTheoryAttribute().Skip);
    }
}

namespace Parley.Aspire.Tests;

/// <summary>A project whose every test may skip still has one that runs, so that its result is never "no tests".</summary>
public sealed class AlwaysRuns
{
    [Fact]
    public void Client_Assembly_IsTheOneOfThePackage() =>
        Assert.Equal("Parley.Aspire", typeof(ParleyAspireSettings).Assembly.GetName().Name);
}

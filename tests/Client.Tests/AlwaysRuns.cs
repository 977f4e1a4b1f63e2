namespace Parley.Client.Tests;

/// <summary>A project whose every test may skip still has one that runs, so that its result is never "no tests".</summary>
public sealed class AlwaysRuns
{
    [Fact]
    public void Client_Assembly_IsTheOneOfThePackage() => Assert.Equal("Parley.Client", typeof(ParleyChatClient).Assembly.GetName().Name);
}

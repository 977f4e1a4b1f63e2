using System.Text.RegularExpressions;
using Parley.TestSupport;

namespace Parley.Repository.Tests;

/// <summary>What the README says is there, and what it numbers is numbered so in the code.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "README.md"));

    [Fact]
    public void Steps_OfTheReadme_AreElevenAndTheirPlacesExist()
    {
        var steps = Step().Matches(Readme)
            .Select(match => (Number: int.Parse(match.Groups[1].Value), Text: match.Groups[2].Value)).ToList();
        Assert.Equal(Enumerable.Range(1, 11), steps.Select(step => step.Number));
        var places = steps.SelectMany(step => Place().Matches(step.Text)).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(12, places.Count);
        Assert.All(places, place => Assert.True(Path.Exists(Path.Combine(Shared.RepositoryRoot, place)), place));
    }

    [Theory]
    [InlineData("services/Gateway/Chat/ChatPipeline.cs", 1, 11)]
    [InlineData("services/Generator/Engine/GenerationEngine.cs", 4, 9)]
    public void Heart_OfAService_NarratesItsSteps(string path, int first, int last)
    {
        var text = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, path));
        var remarks = text[text.IndexOf("<remarks>", StringComparison.Ordinal)..text.IndexOf("</remarks>", StringComparison.Ordinal)];
        Assert.All(Enumerable.Range(first, last - first + 1), step => Assert.Contains($"({step})", remarks));
    }

    [Fact]
    public void Links_OfTheReadme_LeadSomewhere()
    {
        var targets = Link().Matches(Readme).Select(match => match.Groups[1].Value).Where(target => !target.Contains("://")).ToList();
        Assert.NotEmpty(targets);
        Assert.All(targets, target => Assert.True(Path.Exists(Path.Combine(Shared.RepositoryRoot, target)), target));
    }

    [Fact]
    public void Gate_RunsTheReadmesTestCommand()
    {
        const string command = "dotnet test Microservices.sln -c Release";
        Assert.Contains(command, Readme);
        Assert.Contains(command, File.ReadAllText(Path.Combine(Shared.RepositoryRoot, ".ci", "run")));
    }

    [GeneratedRegex(@"^(\d+)\. (.+(?:\n   .+)*)", RegexOptions.Multiline)]
    private static partial Regex Step();

    [GeneratedRegex("`(services/[^`]+)`")]
    private static partial Regex Place();

    [GeneratedRegex(@"\]\(([^)#]+)\)")]
    private static partial Regex Link();
}

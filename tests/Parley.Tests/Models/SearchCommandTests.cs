using Parley.Cli.Tests.Doubles;

namespace Parley.Cli.Tests.Models;

/// <summary><c>parley models search</c> beside a local Hub.</summary>
public sealed class SearchCommandTests
{
    [Fact]
    public async Task Search_OfWords_ListsNamesByDownloads()
    {
        await using var home = await HubHome.StartAsync();
        home.Hub.Add("org/demo-small").Downloads = 12;
        home.Hub.Add("org/demo-large").With("a.gguf", [1]).Downloads = 1_234_567;
        home.Hub.Add("org/other").Downloads = 99;

        var (code, text) = await home.RunAsync("models", "search", "demo");

        Assert.Equal(0, code);
        var lines = text.Split('\n');
        Assert.Matches("^name +downloads +updated +form$", lines[0]);
        Assert.Matches("^org/demo-large +1,234,567 +2026-11-30 +gguf$", lines[1]);
        Assert.Matches("^org/demo-small +12 +2026-11-30$", lines[2]);
        Assert.Equal(3, lines.Length);
        var query = Assert.Single(home.Hub.Requests).Query;
        Assert.Contains("limit=20", query, StringComparison.Ordinal);
        Assert.Contains("filter=text-generation", query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_WithACount_AsksForAsMany()
    {
        await using var home = await HubHome.StartAsync();
        home.Hub.Add("org/one");
        home.Hub.Add("org/two");

        Assert.Equal(2, (await home.RunAsync("models", "search", "org", "--count", "1")).Text.Split('\n').Length);
        var (code, text) = await home.RunAsync("models", "search", "no", "such & thing");
        Assert.Contains("The Hub knows none", text, StringComparison.Ordinal);
        Assert.Contains("search=no%20such%20%26%20thing", home.Hub.Requests.Last().Query, StringComparison.Ordinal);
        (code, text) = await home.RunAsync("models", "search", "org", "--count", "0");
        Assert.Equal(1, code);
        Assert.Contains("--count is 0", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html></html>", "is not valid JSON")]
    [InlineData("""{"error": "no"}""", "is no list of models")]
    public async Task Search_OfWhatIsNoHub_SaysSo(string body, string named)
    {
        await using var home = await HubHome.StartAsync();
        home.Hub.Body = _ => body;
        var (code, text) = await home.RunAsync("models", "search", "demo");
        Assert.Equal(1, code);
        Assert.Contains(named, text, StringComparison.Ordinal);
    }
}

using Parley.Cli.Tests.Doubles;
using Parley.Gateway.Access;

namespace Parley.Cli.Tests.Keys;

/// <summary><c>parley key</c> as a process.</summary>
public sealed class KeyCommandTests
{
    private static async Task<(int Code, string[] Output, string Text)> RunAsync(string? input, params string[] arguments)
    {
        await using var run = ParleyRun.Start(new Dictionary<string, string?>(), input, ["key", .. arguments]);
        var code = await run.EndAsync();
        return (code, run.Output.Trim().Split('\n'), run.Text);
    }

    [Fact]
    public async Task New_PrintsTheKeyAndTheLineOfItsHash()
    {
        var (code, output, text) = await RunAsync(null, "new", "alice", "--limits", "team");

        Assert.Equal((0, 2), (code, output.Length));
        Assert.Matches("^parley_[0-9a-f]{64}$", output[0]);
        Assert.Equal($"alice {KeyHash.Of(output[0])} team", output[1]);
        Assert.Contains($"Gateway__Keys__alice__Hash={KeyHash.Of(output[0])}", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hash_OfAKeyFromStandardInput_ShowsTheLineAlone()
    {
        var (code, output, text) = await RunAsync("my-old-key\n", "hash", "bob");

        Assert.Equal(0, code);
        Assert.Equal([$"bob {KeyHash.Of("my-old-key")}"], output);
        Assert.DoesNotContain("my-old-key", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "new|two words", "is no name of a caller")]
    [InlineData(null, "new|other", "is a name that metrics use otherwise")]
    [InlineData("", "hash|bob", "holds no key")]
    [InlineData("my secret\n", "hash|bob", "The key holds a blank")]
    public async Task WrongInput_IsToldWithoutTheKey(string? input, string arguments, string told)
    {
        var (code, _, text) = await RunAsync(input, arguments.Split('|'));

        Assert.Equal(1, code);
        Assert.Contains(told, text, StringComparison.Ordinal);
        Assert.DoesNotContain("my secret", text, StringComparison.Ordinal);
    }
}

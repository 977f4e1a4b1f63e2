using Parley.Cli.Tests.Doubles;

namespace Parley.Cli.Tests.Models;

/// <summary><c>parley login</c> and <c>logout</c> as processes beside a local Hub.</summary>
public sealed class AccountCommandTests
{
    private const string Token = "hf_secretsecret";

    [Fact]
    public async Task Login_WithTheHubsToken_KeepsItForItsOwnerAndForPulls()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo("org/private");
        home.Hub.Token = Token;
        Assert.Equal(1, (await home.RunAsync("pull", "org/private")).ExitCode);

        var (code, text) = await home.RunWithInputAsync(Token + "\n", "login", "--token-stdin");

        Assert.Equal(0, code);
        Assert.Contains("somebody", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, text, StringComparison.Ordinal);
        Assert.Equal(Token, File.ReadAllText(home.TokenPath));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(home.TokenPath));
        Assert.Equal(0, (await home.RunAsync("pull", "org/private")).ExitCode);

        Assert.Equal(0, (await home.RunAsync("logout")).ExitCode);
        Assert.False(File.Exists(home.TokenPath));
    }

    [Fact]
    public async Task Login_WithAnotherToken_KeepsNothing()
    {
        await using var home = await HubHome.StartAsync();
        home.Hub.Token = Token;

        var (code, text) = await home.RunWithInputAsync("hf_wrong\n", "login", "--token-stdin");

        Assert.Equal(1, code);
        Assert.Contains("error: ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_wrong", text, StringComparison.Ordinal);
        Assert.False(File.Exists(home.TokenPath));
    }

    [Fact]
    public async Task Login_WithoutATerminal_NamesTheOption()
    {
        await using var home = await HubHome.StartAsync();
        var (code, text) = await home.RunAsync("login");
        Assert.Equal(1, code);
        Assert.Contains("--token-stdin", text, StringComparison.Ordinal);
    }
}

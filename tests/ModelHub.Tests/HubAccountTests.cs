using Parley.ModelHub.Tests.Doubles;

namespace Parley.ModelHub.Tests;

/// <summary>Logging in and out, with the file that the Hub's own tools use.</summary>
public sealed class HubAccountTests
{
    [Fact]
    public async Task LogIn_WithATokenThatTheHubKnows_KeepsItForItsOwnerAlone()
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Token = "hf_good";
        var settings = bench.Settings();
        using var http = ModelPull.CreateHttp(settings);

        var name = await HubAccount.LogInAsync(settings, "hf_good\n", http, TimeProvider.System, CancellationToken.None);

        Assert.Equal("somebody", name);
        Assert.Equal("hf_good", File.ReadAllText(bench.TokenPath));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bench.TokenPath));
        Assert.True(HubAccount.LogOut(settings));
        Assert.False(File.Exists(bench.TokenPath));
        Assert.False(HubAccount.LogOut(settings));
    }

    [Fact]
    public async Task LogIn_WithATokenThatTheHubDoesNotKnow_WritesNothing()
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Token = "hf_good";
        var settings = bench.Settings();
        using var http = ModelPull.CreateHttp(settings);
        var failure = await Assert.ThrowsAsync<HubException>(
            () => HubAccount.LogInAsync(settings, "hf_bad", http, TimeProvider.System, CancellationToken.None));
        Assert.DoesNotContain("hf_bad", failure.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(bench.TokenPath));
    }
}

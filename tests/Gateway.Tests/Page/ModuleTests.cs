using System.Diagnostics;
using System.Text.RegularExpressions;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Page;

/// <summary>The page's modules that need no browser, under node's test runner; their tests are in <c>Modules</c>.</summary>
public sealed partial class ModuleTests
{
    private static readonly string Folder = Path.Combine(Shared.RepositoryRoot, "tests", "Gateway.Tests", "Page", "Modules");

    [Theory]
    [InlineData("chat")]
    [InlineData("conversation")]
    [InlineData("figures")]
    [InlineData("key")]
    [InlineData("sampling")]
    [InlineData("schemas")]
    [InlineData("storage")]
    [InlineData("tools")]
    public async Task Module_UnderItsTests_Passes(string name)
    {
        var start = new ProcessStartInfo(Node(), ["--test", Path.Combine(Folder, name + ".test.mjs")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();

        Assert.True(process.ExitCode == 0, output);
        Assert.Matches(SomePassed(), output);
    }

    [Fact]
    public void Modules_WithTests_AreAllRun()
    {
        var files = Directory.GetFiles(Folder).Select(path => Path.GetFileName(path).Split('.')[0]).Order();
        var named = typeof(ModuleTests).GetMethod(nameof(Module_UnderItsTests_Passes))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(data => (string)data.Data[0]!);
        Assert.Equal(files, named.Order());
    }

    /// <summary>The node that comes with Playwright, else the one on the path; skips the running test where there is none.</summary>
    private static string Node()
    {
        var bundled = Path.Combine(AppContext.BaseDirectory, ".playwright", "node");
        var folders = Directory.Exists(bundled) ? Directory.GetDirectories(bundled) : [];
        var name = OperatingSystem.IsWindows() ? "node.exe" : "node";
        var path = folders.Concat(Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [])
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, "No node is with Playwright or on the path.");
        return path!;
    }

    [GeneratedRegex(@"\bpass [1-9]")]
    private static partial Regex SomePassed();
}

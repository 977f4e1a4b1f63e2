using System.IO.Compression;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>The command line as <c>dotnet tool install parley</c> brings it.</summary>
public sealed class ToolPackageTests : IDisposable
{
    private const string Version = "0.2.0";

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-tool-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SlowFact]
    public async Task Tool_OfItsPackage_InstallsAndTellsItsVersion()
    {
        var pack = await CommandRun.RunAsync(PublishedPrograms.Dotnet,
            ["pack", Path.Combine(Shared.RepositoryRoot, "tools", "Parley"), "-c", "Release", "-o", _folder, "--disable-build-servers",
                $"-p:ArtifactsPath={Path.Combine(Shared.RepositoryRoot, "artifacts", "packed")}"]);
        Assert.True(pack.ExitCode == 0, pack.Text);
        var package = Assert.Single(Directory.GetFiles(_folder));
        Assert.Equal($"Parley.{Version}.nupkg", Path.GetFileName(package));
        AssertHoldsWhatItServesWith(package);

        var tools = Path.Combine(_folder, "tools");
        var install = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, ["tool", "install", "Parley", "--tool-path", tools, "--add-source", _folder, "--version", Version]);
        Assert.True(install.ExitCode == 0, install.Text);
        var version = await CommandRun.RunAsync(Path.Combine(tools, OperatingSystem.IsWindows() ? "parley.exe" : "parley"), ["--version"]);

        Assert.Equal((0, Version), (version.ExitCode, version.Text.Trim()));
    }

    /// <summary>ONNX Runtime for every system that .NET's command line runs on, and the demo model once.</summary>
    private static void AssertHoldsWhatItServesWith(string package)
    {
        using var archive = ZipFile.OpenRead(package);
        var entries = archive.Entries.Select(entry => entry.FullName).ToList();
        Assert.Equal(
            ["linux-arm64", "linux-x64", "osx-arm64", "win-arm64", "win-x64"],
            entries.Where(entry => entry.Contains("/runtimes/") && Path.GetFileName(entry).Contains("onnxruntime"))
                .Where(entry => Path.GetExtension(entry) is ".so" or ".dylib" or ".dll" or ".zip" or ".aar")
                .Select(entry => entry.Split('/')[4]).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(
            "tools/net10.0/any/models/demo/model.safetensors", Assert.Single(entries, entry => entry.EndsWith("model.safetensors")));
    }
}

using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>Programs as <c>dotnet publish</c> makes them, each kind once, in build folders that no other build uses.</summary>
public sealed class PublishedPrograms : IDisposable
{
    private const string GpuPackage = "Microsoft.ML.OnnxRuntime.Gpu";

    private readonly Dictionary<string, string> _published = new(StringComparer.Ordinal);

    public static string Dotnet { get; } =
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";

    /// <summary>Where they lie; deleted with them.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("parley-publish-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>The folder of a program; skips the running test where the feed has no ONNX Runtime for CUDA.</summary>
    /// <param name="project">The project's folder in the repository.</param>
    /// <param name="arguments">Arguments of <c>dotnet publish</c>, separated by blanks.</param>
    public async Task<string> GetAsync(string project, string arguments)
    {
        var key = $"{project} {arguments}";
        if (_published.TryGetValue(key, out var folder))
            return folder;
        folder = Path.Combine(Folder, $"{_published.Count}");
        // An own ArtifactsPath keeps a build for the CPU out of the folders of the tests' own; that for CUDA has such folders by itself.
        var separate = arguments.Contains("OnnxRuntime=Gpu", StringComparison.Ordinal)
            ? "" : $"-p:ArtifactsPath={Path.Combine(Shared.RepositoryRoot, "artifacts", "published")}";
        var run = await CommandRun.RunAsync(
            Dotnet,
            ["publish", Path.Combine(Shared.RepositoryRoot, project), "-c", "Release", "-o", folder, "--disable-build-servers",
                .. $"{arguments} {separate}".Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        if (run.Output.FirstOrDefault(IsMissingPackage) is { } missing)
            Assert.Skip($"The feed gives no ONNX Runtime for CUDA: {missing.Trim()}");
        Assert.True(run.ExitCode == 0, run.Text);
        _published.Add(key, folder);
        return folder;
    }

    /// <summary>NU1101 to NU1103: no such package or version; NU1301: no feed.</summary>
    private static bool IsMissingPackage(string line) =>
        line.Contains(" NU1301", StringComparison.Ordinal)
        || (line.Contains(" NU110", StringComparison.Ordinal) && line.Contains(GpuPackage, StringComparison.Ordinal));
}

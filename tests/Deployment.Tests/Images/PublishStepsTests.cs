using System.Security.Cryptography;
using System.Text.Json;
using Parley.TestSupport;

namespace Parley.Deployment.Tests.Images;

/// <summary>
/// The build stage of each Dockerfile without a container: its COPYs from the context into an empty folder, then its RUNs there. What it
/// forgets to copy is missing here as well.
/// </summary>
public sealed class PublishStepsTests
{
    [SlowTheory]
    [MemberData(nameof(DockerfileTests.Paths), MemberType = typeof(DockerfileTests))]
    public async Task BuildStage_InAnEmptyFolder_PublishesTheProgramAndItsBillOfMaterials(string path)
    {
        using var folder = new BuildFolder();
        var file = Dockerfile.Read(path);
        await folder.RunStageAsync(file);

        var output = Path.Combine(folder.Path, "out");
        Assert.True(File.Exists(Path.Combine(output, Path.GetFileName(file.EntryPoint[1]))));
        Assert.True(File.Exists(Path.Combine(output, "LICENSE")));
        // Nothing of debuggers, of documentation or of other systems.
        Assert.DoesNotContain(Files(output), name => Path.GetExtension(name) is ".pdb" or ".xml" or ".dylib" || name.Contains("win-"));
        Assert.All(Directory.GetFiles(output), name => Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(name)));
        Assert.Equal(
            file.Image == "generator-cuda", Files(output).Any(name => Path.GetFileName(name) == "libonnxruntime_providers_cuda.so"));

        // The bill names every package that the program is published with.
        using var bill = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Path, "sbom", $"{file.Image}.cdx.json")));
        Assert.Equal("CycloneDX", bill.RootElement.GetProperty("bomFormat").GetString());
        var component = bill.RootElement.GetProperty("metadata").GetProperty("component");
        Assert.Equal(Programs.Version, component.GetProperty("version").GetString());
        var named = bill.RootElement.GetProperty("components").EnumerateArray()
            .Select(one => $"{one.GetProperty("name").GetString()}/{one.GetProperty("version").GetString()}").ToHashSet();
        using var published = JsonDocument.Parse(File.ReadAllText(Directory.GetFiles(output, "*.deps.json").Single()));
        var packages = published.RootElement.GetProperty("libraries").EnumerateObject()
            .Where(library => library.Value.GetProperty("type").GetString() == "package").Select(library => library.Name);
        Assert.Empty(packages.Except(named));
        var bytes = Files(output).Sum(name => new FileInfo(Path.Combine(output, name)).Length);
        TestContext.Current.TestOutputHelper?.WriteLine($"{file.Image}: {bytes / 1e6:0.0} MB");
    }

    [SlowFact]
    public async Task Assemblies_OfTwoFolders_AreTheSameToTheByte()
    {
        using var first = new BuildFolder();
        using var second = new BuildFolder();
        var file = Dockerfile.Read("services/Gateway/Dockerfile");
        await first.RunStageAsync(file);
        await second.RunStageAsync(file);
        Assert.Equal(Hashes(first), Hashes(second));
    }

    private static List<string> Hashes(BuildFolder folder)
    {
        var output = Path.Combine(folder.Path, "out");
        return [.. Files(output).Order(StringComparer.Ordinal)
            .Select(name => $"{name} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(output, name))))}")];
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(name => Path.GetRelativePath(folder, name));

    /// <summary>The working folder of a build stage.</summary>
    private sealed class BuildFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("parley-image-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);

        public async Task RunStageAsync(Dockerfile file)
        {
            var bash = ProgramRun.Require("bash");
            foreach (var (source, destination) in file.Copies("build"))
                Copy(source, destination);
            // A build server would remember the other folder's files.
            var environment = new Dictionary<string, string>
            {
                ["SOURCE_DATE_EPOCH"] = "0",
                ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
                ["MSBUILDDISABLENODEREUSE"] = "1",
                ["UseSharedCompilation"] = "false",
            };
            foreach (var step in file.Runs("build"))
            {
                var run = await ProgramRun.RunAsync(bash, ["-eu", "-c", step], Path, environment);
                if (run.Output.Contains("NU110", StringComparison.Ordinal) && file.Image == "generator-cuda")
                    Assert.Skip("The feed gives no ONNX Runtime for CUDA.");
                Assert.True(run.ExitCode == 0, $"{step}\n{run.Output}\n{run.Error}");
            }
        }

        private void Copy(string source, string destination)
        {
            var from = System.IO.Path.Combine(Shared.RepositoryRoot, source);
            if (File.Exists(from))
            {
                File.Copy(from, System.IO.Path.Combine(Path, destination, System.IO.Path.GetFileName(source)));
                return;
            }

            foreach (var name in Files(from).Where(name => BuildContext.Includes($"{source}{name.Replace('\\', '/')}")))
            {
                var target = System.IO.Path.Combine(Path, destination, name);
                Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
                File.Copy(System.IO.Path.Combine(from, name), target);
            }
        }
    }
}

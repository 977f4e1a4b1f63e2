using System.IO.Compression;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>Parley's packages as <c>dotnet pack</c> makes them, in a folder that projects take them from; deleted with them.</summary>
public sealed class PackedFolder : IDisposable
{
    /// <summary>That of all of Parley's packages.</summary>
    public const string Version = "0.2.0";

    public string Path { get; } = Directory.CreateTempSubdirectory("parley-packed-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <param name="projects">Folders in the repository; those of the packages that they need among them.</param>
    public async Task PackAsync(params string[] projects)
    {
        foreach (var project in projects)
        {
            // Build folders of their own: the tests' assemblies are in use.
            var pack = await CommandRun.RunAsync(PublishedPrograms.Dotnet,
                ["pack", Under(Shared.RepositoryRoot, project), "-c", "Release", "-o", Path, "--disable-build-servers",
                    $"-p:ArtifactsPath={Under(Shared.RepositoryRoot, "artifacts", "packed")}"]);
            Assert.True(pack.ExitCode == 0, pack.Text);
        }
    }

    /// <summary>Names in a package.</summary>
    public string[] EntriesOf(string package)
    {
        using var archive = ZipFile.OpenRead(Under(Path, package));
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    /// <summary>Writes a program's project: it knows the packages, and takes all others from where this machine has them already.</summary>
    /// <param name="path">Of the project file; its folder is made.</param>
    /// <param name="references">Items of the project.</param>
    /// <param name="properties">Further ones.</param>
    /// <param name="sdk">Its SDK.</param>
    public async Task WriteProjectAsync(string path, string references, string properties = "", string sdk = "Microsoft.NET.Sdk")
    {
        var cache = Under(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                {properties}
                <RestoreAdditionalProjectSources>{Path}</RestoreAdditionalProjectSources>
                <RestorePackagesPath>{Under(Path, "restored")}</RestorePackagesPath>
                <RestoreFallbackFolders>{cache}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>{references}</ItemGroup>
            </Project>
            """);
    }

    /// <summary>An item for <see cref="WriteProjectAsync"/>.</summary>
    public static string Reference(string package, string version = Version) =>
        $"""<PackageReference Include="{package}" Version="{version}" />""";

    private static string Under(params string[] parts) => System.IO.Path.Combine(parts);
}

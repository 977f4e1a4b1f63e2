using System.IO.Compression;
using Microsoft.Extensions.AI;
using Parley.Client;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>The client that serves in its own process, as others get it: by its package and nothing else of Parley.</summary>
[Collection(DemoCollection.Name)]
public sealed class EmbeddedPackageTests(DemoSystem system) : IDisposable
{
    private const string Question = "what is a token?";

    private static readonly string[] Assemblies =
    [
        "Embedded", "Gateway", "Generator", "ModelHub", "ModelImporter", "ModelPackages", "PackageFormat", "ServiceDefaults", "Tokenizer",
        "TokenizerFormat",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-embedded-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SlowFact]
    public async Task Program_OfThePackageAlone_AnswersAsTheServerDoes()
    {
        await PackAsync();
        AssertContents();
        var program = Directory.CreateDirectory(Path.Combine(_folder, "Program")).FullName;
        await File.WriteAllTextAsync(Path.Combine(program, "Program.csproj"), ProjectOf());
        File.Copy(Path.Combine(Shared.RepositoryRoot, "samples", "EmbeddedChat", "Program.cs"), Path.Combine(program, "Program.cs"));
        var built = Path.Combine(_folder, "built");
        var build = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, ["build", program, "-c", "Release", "-o", built, "--disable-build-servers"]);
        Assert.True(build.ExitCode == 0, build.Text);

        using var client = new ParleyChatClient($"http://{system.Gateway.Target}");
        var expected = (await client.GetResponseAsync(Question)).Text;
        var run = await CommandRun.RunAsync("/bin/sh",
            ["-c", $"echo '{Question}' | {PublishedPrograms.Dotnet} {Path.Combine(built, "Program.dll")} {system.Package}"]);

        Assert.True(run.ExitCode == 0, run.Text);
        Assert.Contains(expected, run.Text);
    }

    private async Task PackAsync()
    {
        foreach (var project in new[] { "protos", "clients/Parley.Client", "clients/Parley.Embedded" })
        {
            var pack = await CommandRun.RunAsync(PublishedPrograms.Dotnet,
                ["pack", Path.Combine(Shared.RepositoryRoot, project), "-c", "Release", "-o", _folder, "--disable-build-servers",
                    $"-p:ArtifactsPath={Path.Combine(Shared.RepositoryRoot, "artifacts", "packed")}"]);
            Assert.True(pack.ExitCode == 0, pack.Text);
        }
    }

    /// <summary>All assemblies run; one is compiled against; each has its symbols.</summary>
    private void AssertContents()
    {
        using var package = ZipFile.OpenRead(Path.Combine(_folder, "Parley.Embedded.0.2.0.nupkg"));
        using var symbols = ZipFile.OpenRead(Path.Combine(_folder, "Parley.Embedded.0.2.0.snupkg"));
        string[] Of(ZipArchive archive, string folder, string ending) =>
            [.. archive.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith(folder) && name.EndsWith(ending)).Order()];

        Assert.Equal(Assemblies.Select(name => $"lib/net10.0/Parley.{name}.dll"), Of(package, "lib/", ".dll"));
        Assert.Equal(["ref/net10.0/Parley.Embedded.dll"], Of(package, "ref/", ".dll"));
        Assert.Equal(["ref/net10.0/Parley.Embedded.xml"], Of(package, "ref/", ".xml"));
        Assert.Equal(Assemblies.Select(name => $"lib/net10.0/Parley.{name}.pdb"), Of(symbols, "lib/", ".pdb"));
        Assert.Contains("README.md", package.Entries.Select(entry => entry.FullName));
        using var reader = new StreamReader(package.GetEntry("Parley.Embedded.nuspec")!.Open());
        var nuspec = reader.ReadToEnd();
        Assert.Contains("<dependency id=\"Parley.Client\" version=\"0.2.0\"", nuspec);
        Assert.Contains("<dependency id=\"Microsoft.ML.OnnxRuntime\"", nuspec);
        Assert.DoesNotContain("Parley.Generator", nuspec);
    }

    private string ProjectOf() => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <RestoreAdditionalProjectSources>{_folder}</RestoreAdditionalProjectSources>
            <RestorePackagesPath>{Path.Combine(_folder, "restored")}</RestorePackagesPath>
            <RestoreFallbackFolders>{Path.Combine(UserFolder, ".nuget", "packages")}</RestoreFallbackFolders>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Parley.Embedded" Version="0.2.0" />
          </ItemGroup>
        </Project>
        """;

    private static string UserFolder => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
}

using System.IO.Compression;
using Microsoft.Extensions.AI;
using Parley.Client;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>The packages for .NET as others get them: what is in them, and a native program that has nothing else of Parley.</summary>
[Collection(DemoCollection.Name)]
public sealed class ClientPackageTests(DemoSystem system) : IDisposable
{
    private const string Question = "what is a token?";

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-package-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SlowFact]
    public async Task Pack_OfTheClient_HoldsLibraryDocumentsAndSymbols()
    {
        await PackAsync();

        Assert.Equal(
            ["Parley.Client.0.2.0.nupkg", "Parley.Client.0.2.0.snupkg", "Parley.Protos.0.2.0.nupkg", "Parley.Protos.0.2.0.snupkg"],
            Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        AssertHolds("Parley.Client.0.2.0.nupkg", "README.md", "lib/net10.0/Parley.Client.dll", "lib/net10.0/Parley.Client.xml");
        AssertHolds("Parley.Client.0.2.0.snupkg", "lib/net10.0/Parley.Client.pdb");
        AssertHolds("Parley.Protos.0.2.0.nupkg", "lib/net10.0/Parley.Protos.dll", "protos/gateway/v1/chat.proto");
    }

    /// <summary>Warnings of trimming and of Native AOT are errors here, as everywhere.</summary>
    [SlowFact]
    public async Task Program_OfThePackagesAlone_IsNativeAndAnswersTheSame()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/gcc"), "Linking needs Linux and gcc.");
        await PackAsync();
        var program = Directory.CreateDirectory(Path.Combine(_folder, "Program")).FullName;
        await File.WriteAllTextAsync(Path.Combine(program, "Program.csproj"), ProjectOf());
        File.Copy(Path.Combine(Shared.RepositoryRoot, "samples", "ConsoleChat", "Program.cs"), Path.Combine(program, "Program.cs"));
        var published = Path.Combine(_folder, "published");
        var publish = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, ["publish", program, "-c", "Release", "-r", "linux-x64", "-o", published, "--disable-build-servers"]);
        Assert.True(publish.ExitCode == 0, publish.Text);

        using var client = new ParleyChatClient($"http://{system.Gateway.Target}");
        var expected = (await client.GetResponseAsync(Question)).Text.Trim();
        var run = await CommandRun.RunAsync("/bin/sh",
            ["-c", $"echo '{Question}' | {Path.Combine(published, "Program")} http://{system.Gateway.Target}"]);
        var absent = await CommandRun.RunAsync("/bin/sh",
            ["-c", $"echo '{Question}' | {Path.Combine(published, "Program")} http://127.0.0.1:1"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(expected.Split('\n')[0], run.Text);
        Assert.Equal(1, absent.ExitCode);
        Assert.Contains("error: ", absent.Text);
    }

    private async Task PackAsync()
    {
        foreach (var project in new[] { "protos", "clients/Parley.Client" })
        {
            var pack = await CommandRun.RunAsync(PublishedPrograms.Dotnet,
                ["pack", Path.Combine(Shared.RepositoryRoot, project), "-c", "Release", "-o", _folder, "--disable-build-servers",
                    $"-p:ArtifactsPath={Path.Combine(Shared.RepositoryRoot, "artifacts", "packed")}"]);
            Assert.True(pack.ExitCode == 0, pack.Text);
        }
    }

    /// <summary>A project that knows the packages, and takes the others from where this machine has them already.</summary>
    private string ProjectOf() => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <PublishAot>true</PublishAot>
            <TrimmerSingleWarn>false</TrimmerSingleWarn>
            <CppCompilerAndLinker>gcc</CppCompilerAndLinker>
            <RestoreAdditionalProjectSources>{_folder}</RestoreAdditionalProjectSources>
            <RestorePackagesPath>{Path.Combine(_folder, "restored")}</RestorePackagesPath>
            <RestoreFallbackFolders>{Path.Combine(UserFolder, ".nuget", "packages")}</RestoreFallbackFolders>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Parley.Client" Version="0.2.0" />
          </ItemGroup>
        </Project>
        """;

    private static string UserFolder => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private void AssertHolds(string package, params string[] entries)
    {
        using var archive = ZipFile.OpenRead(Path.Combine(_folder, package));
        Assert.Empty(entries.Except(archive.Entries.Select(entry => entry.FullName)));
    }
}

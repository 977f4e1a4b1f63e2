using System.IO.Compression;
using System.Text.Json;
using System.Xml.Linq;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>The packages for .NET Aspire as others get them: an app host and a program that have nothing else of Parley.</summary>
public sealed class AspirePackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-aspire-package-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SlowFact]
    public async Task Pack_ForAspire_HoldsLibrariesDocumentsAndSymbols()
    {
        await PackAsync();

        foreach (var name in new[] { "Parley.Aspire", "Parley.Aspire.Hosting" })
        {
            string[] expected = ["README.md", $"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml"];
            Assert.Empty(expected.Except(EntriesOf($"{name}.0.2.0.nupkg")));
            Assert.Contains($"lib/net10.0/{name}.pdb", EntriesOf($"{name}.0.2.0.snupkg"));
        }

        // What a feed may lack is pinned for this repository alone.
        Assert.Equal(["Aspire.Hosting"], DependenciesOf("Parley.Aspire.Hosting.0.2.0.nupkg"));
        string[] needed = ["Grpc.HealthCheck", "Microsoft.Extensions.AI", "OpenTelemetry.Extensions.Hosting", "Parley.Client"];
        Assert.Empty(needed.Except(DependenciesOf("Parley.Aspire.0.2.0.nupkg")));
    }

    /// <summary>Its manifest says what would be started, and nothing is.</summary>
    [SlowFact]
    public async Task AppHost_OfThePackagesAlone_StartsTheToolOfItsManifest()
    {
        await PackAsync();
        var solution = Directory.CreateDirectory(Path.Combine(_folder, "Solution")).FullName;
        await WriteAsync(
            Path.Combine(solution, "dotnet-tools.json"), """{"version": 1, "isRoot": true, "tools": {"parley": {"version": "0.2.0"}}}""");
        await WriteAsync(Path.Combine(solution, "Web", "Web.csproj"), ProjectOf("Microsoft.NET.Sdk.Web", "", Package("Parley.Aspire")));
        await WriteAsync(Path.Combine(solution, "Web", "Program.cs"), """
            using Microsoft.Extensions.AI;
            var builder = WebApplication.CreateBuilder(args);
            builder.AddParleyChatClient("chat").UseFunctionInvocation();
            var app = builder.Build();
            app.MapGet("/", async (IChatClient chat, string question) => (await chat.GetResponseAsync(question)).Text);
            app.Run();
            """);
        await WriteAsync(Path.Combine(solution, "AppHost", "AppHost.csproj"), ProjectOf(
            $"Aspire.AppHost.Sdk/{SdkVersion}", "<NoWarn>$(NoWarn);ASPIRE010;NU1603</NoWarn>",
            Package("Aspire.Hosting.AppHost", AspireVersion) + Package("Parley.Aspire.Hosting")
            + """<ProjectReference Include="../Web/Web.csproj" />"""));
        await WriteAsync(Path.Combine(solution, "AppHost", "Program.cs"), """
            var builder = DistributedApplication.CreateBuilder(args);
            var key = builder.AddParameter("key", secret: true);
            var chat = builder.AddParley("chat").WithModel("org/model").WithPrecision("int8").WithApiKey(key);
            builder.AddProject<Projects.Web>("web").WithReference(chat).WaitFor(chat);
            builder.Build().Run();
            """);
        var host = Path.Combine(solution, "AppHost");
        var built = Path.Combine(_folder, "built");
        var build = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, ["build", host, "-c", "Release", "-o", built, "--disable-build-servers"]);
        Assert.True(build.ExitCode == 0, build.Text);
        var manifest = Path.Combine(_folder, "manifest.json");
        var publish = await CommandRun.RunAsync(PublishedPrograms.Dotnet,
            [Path.Combine(built, "AppHost.dll"), "--operation", "publish", "--publisher", "manifest", "--output-path", manifest]);
        Assert.True(publish.ExitCode == 0, publish.Text);

        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(manifest));
        var resources = json.RootElement.GetProperty("resources");
        var chat = resources.GetProperty("chat");
        Assert.Equal("dotnet", chat.GetProperty("command").GetString());
        Assert.Equal(
            "tool run parley -- up --verbose --http-port {chat.bindings.http.targetPort} --grpc-port {chat.bindings.grpc.targetPort} "
            + "--model org/model --precision int8",
            string.Join(' ', chat.GetProperty("args").EnumerateArray().Select(argument => argument.GetString())));
        Assert.Equal("Endpoint={chat.bindings.grpc.url};Key={key.value}", chat.GetProperty("connectionString").GetString());
        Assert.Equal(
            "{chat.connectionString}", resources.GetProperty("web").GetProperty("env").GetProperty("ConnectionStrings__chat").GetString());
    }

    private static string AspireVersion => VersionBehind("Directory.Packages.props", "\"Aspire.Hosting.AppHost\" Version=\"");

    private static string SdkVersion => VersionBehind("global.json", "\"Aspire.AppHost.Sdk\": \"");

    private static string UserFolder => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static string Package(string name, string version = "0.2.0") =>
        $"""<PackageReference Include="{name}" Version="{version}" />""";

    private static string VersionBehind(string file, string words)
    {
        var text = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, file));
        return text[(text.IndexOf(words, StringComparison.Ordinal) + words.Length)..].Split('"')[0];
    }

    private static async Task WriteAsync(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text);
    }

    private async Task PackAsync()
    {
        foreach (var project in new[] { "protos", "clients/Parley.Client", "clients/Parley.Aspire", "clients/Parley.Aspire.Hosting" })
        {
            var pack = await CommandRun.RunAsync(PublishedPrograms.Dotnet,
                ["pack", Path.Combine(Shared.RepositoryRoot, project), "-c", "Release", "-o", _folder, "--disable-build-servers",
                    $"-p:ArtifactsPath={Path.Combine(Shared.RepositoryRoot, "artifacts", "packed")}"]);
            Assert.True(pack.ExitCode == 0, pack.Text);
        }
    }

    /// <summary>A project that knows the packages, and takes the others from where this machine has them already.</summary>
    private string ProjectOf(string sdk, string properties, string references) => $"""
        <Project Sdk="{sdk}">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            {properties}
            <RestoreAdditionalProjectSources>{_folder}</RestoreAdditionalProjectSources>
            <RestorePackagesPath>{Path.Combine(_folder, "restored")}</RestorePackagesPath>
            <RestoreFallbackFolders>{Path.Combine(UserFolder, ".nuget", "packages")}</RestoreFallbackFolders>
          </PropertyGroup>
          <ItemGroup>{references}</ItemGroup>
        </Project>
        """;

    private string[] EntriesOf(string package)
    {
        using var archive = ZipFile.OpenRead(Path.Combine(_folder, package));
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    private string[] DependenciesOf(string package)
    {
        using var archive = ZipFile.OpenRead(Path.Combine(_folder, package));
        using var nuspec = archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return
        [
            .. XDocument.Load(nuspec).Descendants().Where(element => element.Name.LocalName == "dependency")
                .Select(element => element.Attribute("id")!.Value).Order(StringComparer.Ordinal),
        ];
    }
}

using System.IO.Compression;
using System.Text.Json;
using System.Xml.Linq;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>The packages for .NET Aspire as others get them: an app host and a program that have nothing else of Parley.</summary>
public sealed class AspirePackageTests : IDisposable
{
    private readonly PackedFolder _packages = new();

    public void Dispose() => _packages.Dispose();

    [SlowFact]
    public async Task Pack_ForAspire_HoldsLibrariesDocumentsAndSymbols()
    {
        await PackAsync();

        foreach (var name in new[] { "Parley.Aspire", "Parley.Aspire.Hosting" })
        {
            string[] expected = ["README.md", $"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml"];
            Assert.Empty(expected.Except(_packages.EntriesOf($"{name}.0.2.0.nupkg")));
            Assert.Contains($"lib/net10.0/{name}.pdb", _packages.EntriesOf($"{name}.0.2.0.snupkg"));
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
        var solution = Directory.CreateDirectory(Path.Combine(_packages.Path, "Solution")).FullName;
        await WriteAsync(
            Path.Combine(solution, "dotnet-tools.json"), """{"version": 1, "isRoot": true, "tools": {"parley": {"version": "0.2.0"}}}""");
        await _packages.WriteProjectAsync(
            Path.Combine(solution, "Web", "Web.csproj"), PackedFolder.Reference("Parley.Aspire"), sdk: "Microsoft.NET.Sdk.Web");
        await WriteAsync(Path.Combine(solution, "Web", "Program.cs"), """
            using Microsoft.Extensions.AI;
            var builder = WebApplication.CreateBuilder(args);
            builder.AddParleyChatClient("chat").UseFunctionInvocation();
            var app = builder.Build();
            app.MapGet("/", async (IChatClient chat, string question) => (await chat.GetResponseAsync(question)).Text);
            app.Run();
            """);
        await _packages.WriteProjectAsync(
            Path.Combine(solution, "AppHost", "AppHost.csproj"),
            PackedFolder.Reference("Aspire.Hosting.AppHost", AspireVersion) + PackedFolder.Reference("Parley.Aspire.Hosting")
            + """<ProjectReference Include="../Web/Web.csproj" />""",
            "<NoWarn>$(NoWarn);ASPIRE010;NU1603</NoWarn>", $"Aspire.AppHost.Sdk/{SdkVersion}");
        await WriteAsync(Path.Combine(solution, "AppHost", "Program.cs"), """
            var builder = DistributedApplication.CreateBuilder(args);
            var key = builder.AddParameter("key", secret: true);
            var chat = builder.AddParley("chat").WithModel("org/model").WithPrecision("int8").WithApiKey(key);
            builder.AddProject<Projects.Web>("web").WithReference(chat).WaitFor(chat);
            builder.Build().Run();
            """);
        var host = Path.Combine(solution, "AppHost");
        var built = Path.Combine(_packages.Path, "built");
        var build = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, ["build", host, "-c", "Release", "-o", built, "--disable-build-servers"]);
        Assert.True(build.ExitCode == 0, build.Text);
        var manifest = Path.Combine(_packages.Path, "manifest.json");
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

    private Task PackAsync() =>
        _packages.PackAsync("protos", "clients/Parley.Client", "clients/Parley.Aspire", "clients/Parley.Aspire.Hosting");

    private string[] DependenciesOf(string package)
    {
        using var archive = ZipFile.OpenRead(Path.Combine(_packages.Path, package));
        using var nuspec = archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return
        [
            .. XDocument.Load(nuspec).Descendants().Where(element => element.Name.LocalName == "dependency")
                .Select(element => element.Attribute("id")!.Value).Order(StringComparer.Ordinal),
        ];
    }
}

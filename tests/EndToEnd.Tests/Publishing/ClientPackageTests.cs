using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>The packages for .NET as others get them: what is in them, and a native program that has nothing else of Parley.</summary>
[Collection(DemoCollection.Name)]
public sealed class ClientPackageTests(DemoSystem system) : IDisposable
{
    private const string Question = "what is a token?";

    private readonly PackedFolder _packages = new();

    public void Dispose() => _packages.Dispose();

    [SlowFact]
    public async Task Pack_OfTheClient_HoldsLibraryDocumentsAndSymbols()
    {
        await PackAsync();

        Assert.Equal(
            ["Parley.Client.0.2.0.nupkg", "Parley.Client.0.2.0.snupkg", "Parley.Protos.0.2.0.nupkg", "Parley.Protos.0.2.0.snupkg"],
            Directory.GetFiles(_packages.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        AssertHolds("Parley.Client.0.2.0.nupkg", "README.md", "lib/net10.0/Parley.Client.dll", "lib/net10.0/Parley.Client.xml");
        AssertHolds("Parley.Client.0.2.0.snupkg", "lib/net10.0/Parley.Client.pdb");
        AssertHolds("Parley.Protos.0.2.0.nupkg", "lib/net10.0/Parley.Protos.dll", "protos/gateway/v1/chat.proto");
    }

    /// <summary>Warnings of trimming and of Native AOT are errors here, as everywhere.</summary>
    [SlowFact]
    public async Task Program_OfThePackagesAlone_IsNativeAndAnswers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/gcc"), "Linking needs Linux and gcc.");
        await PackAsync();
        var program = Path.Combine(_packages.Path, "Program");
        await _packages.WriteProjectAsync(
            Path.Combine(program, "Program.csproj"), PackedFolder.Reference("Parley.Client"),
            "<PublishAot>true</PublishAot><TrimmerSingleWarn>false</TrimmerSingleWarn><CppCompilerAndLinker>gcc</CppCompilerAndLinker>");
        File.Copy(Path.Combine(Shared.RepositoryRoot, "samples", "ConsoleChat", "Program.cs"), Path.Combine(program, "Program.cs"));
        var published = Path.Combine(_packages.Path, "published");
        var publish = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, ["publish", program, "-c", "Release", "-r", "linux-x64", "-o", published, "--disable-build-servers"]);
        Assert.True(publish.ExitCode == 0, publish.Text);

        var run = await CommandRun.RunAsync("/bin/sh",
            ["-c", $"echo '{Question}' | {Path.Combine(published, "Program")} http://{system.Gateway.Target}"]);
        var absent = await CommandRun.RunAsync("/bin/sh",
            ["-c", $"echo '{Question}' | {Path.Combine(published, "Program")} http://127.0.0.1:1"]);

        Assert.Equal(0, run.ExitCode);
        // What it says is drawn: the model has a temperature of its own.
        Assert.Matches(@"> \P{C}{10}", run.Text);
        Assert.Equal(1, absent.ExitCode);
        Assert.Contains("error: ", absent.Text);
    }

    private Task PackAsync() => _packages.PackAsync("protos", "clients/Parley.Client");

    private void AssertHolds(string package, params string[] entries) => Assert.Empty(entries.Except(_packages.EntriesOf(package)));
}

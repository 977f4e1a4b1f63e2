using System.IO.Compression;
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

    private readonly PackedFolder _packages = new();

    public void Dispose() => _packages.Dispose();

    [SlowFact]
    public async Task Program_OfThePackageAlone_Answers()
    {
        await _packages.PackAsync("protos", "clients/Parley.Client", "clients/Parley.Embedded");
        AssertContents();
        var program = Path.Combine(_packages.Path, "Program");
        await _packages.WriteProjectAsync(Path.Combine(program, "Program.csproj"), PackedFolder.Reference("Parley.Embedded"));
        File.Copy(Path.Combine(Shared.RepositoryRoot, "samples", "EmbeddedChat", "Program.cs"), Path.Combine(program, "Program.cs"));
        var built = Path.Combine(_packages.Path, "built");
        var build = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, ["build", program, "-c", "Release", "-o", built, "--disable-build-servers"]);
        Assert.True(build.ExitCode == 0, build.Text);

        var run = await CommandRun.RunAsync("/bin/sh",
            ["-c", $"echo '{Question}' | {PublishedPrograms.Dotnet} {Path.Combine(built, "Program.dll")} {system.Package}"]);

        Assert.True(run.ExitCode == 0, run.Text);
        // What it says is drawn: the model has a temperature of its own.
        Assert.Matches(@"> \P{C}{10}", run.Text);
    }

    /// <summary>All assemblies run; one is compiled against; each has its symbols.</summary>
    private void AssertContents()
    {
        var package = _packages.EntriesOf("Parley.Embedded.0.2.0.nupkg");
        var symbols = _packages.EntriesOf("Parley.Embedded.0.2.0.snupkg");
        static string[] Of(string[] names, string folder, string ending) =>
            [.. names.Where(name => name.StartsWith(folder, StringComparison.Ordinal)
                && name.EndsWith(ending, StringComparison.Ordinal)).Order()];

        Assert.Equal(Assemblies.Select(name => $"lib/net10.0/Parley.{name}.dll"), Of(package, "lib/", ".dll"));
        Assert.Equal(["ref/net10.0/Parley.Embedded.dll"], Of(package, "ref/", ".dll"));
        Assert.Equal(["ref/net10.0/Parley.Embedded.xml"], Of(package, "ref/", ".xml"));
        Assert.Equal(Assemblies.Select(name => $"lib/net10.0/Parley.{name}.pdb"), Of(symbols, "lib/", ".pdb"));
        Assert.Contains("README.md", package);
        using var archive = ZipFile.OpenRead(Path.Combine(_packages.Path, "Parley.Embedded.0.2.0.nupkg"));
        using var reader = new StreamReader(archive.GetEntry("Parley.Embedded.nuspec")!.Open());
        var nuspec = reader.ReadToEnd();
        Assert.Contains("<dependency id=\"Parley.Client\" version=\"0.2.0\"", nuspec);
        Assert.Contains("<dependency id=\"Microsoft.ML.OnnxRuntime\"", nuspec);
        Assert.DoesNotContain("Parley.Generator", nuspec);
    }
}

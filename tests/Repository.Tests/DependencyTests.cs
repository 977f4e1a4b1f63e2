using System.Xml.Linq;
using Parley.TestSupport;

namespace Parley.Repository.Tests;

/// <summary>Who may know whom, as one literal table.</summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["ConsoleChat"] = ["Parley.Client"],
        ["ToolCalls"] = ["Parley.Client"],
        ["Parley.Client"] = ["Protos"],
        ["Protos"] = [],
        ["ServiceDefaults"] = [],
        ["Tokenizer"] = ["PackageFormat", "Protos", "ServiceDefaults", "TokenizerFormat"],
        ["Generator"] = ["PackageFormat", "Protos", "ServiceDefaults", "TokenizerFormat"],
        ["Gateway"] = ["Protos", "ServiceDefaults"],
        ["PackageFormat"] = [],
        ["ModelHub"] = [],
        ["TokenizerFormat"] = ["PackageFormat"],
        ["ModelImporter"] = ["PackageFormat"],
        ["Parley"] = ["Gateway", "Generator", "ModelHub", "ModelImporter", "Protos", "ServiceDefaults", "Tokenizer"],
    };

    /// <summary>What ServiceDefaults may bring into every service.</summary>
    private static readonly string[] DefaultsPrefixes = ["Microsoft.", "OpenTelemetry.", "Grpc."];

    [Fact]
    public void ProjectReferences_ButOfTests_AreThoseOfTheTable()
    {
        var faults = new List<string>();
        foreach (var project in Projects("protos", "services", "tools", "clients", "samples"))
        {
            var name = Path.GetFileNameWithoutExtension(project);
            if (!Allowed.TryGetValue(name, out var allowed))
            {
                faults.Add($"{name} is not in the table");
                continue;
            }

            var references = References(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)!);
            faults.AddRange(references.Except(allowed).Select(reference => $"{name} references {reference}"));
        }

        Assert.True(faults.Count == 0, string.Join("\n", faults));
    }

    [Fact]
    public void ServiceDefaults_Packages_AreOfThePlatform()
    {
        var project = Path.Combine(Shared.RepositoryRoot, "services", "ServiceDefaults", "ServiceDefaults.csproj");
        Assert.All(References(project, "PackageReference"),
            package => Assert.Contains(DefaultsPrefixes, prefix => package.StartsWith(prefix, StringComparison.Ordinal)));
        Assert.True(Directory.GetFiles(Path.GetDirectoryName(project)!, "*.cs").Length <= 10);
    }

    [Fact]
    public void Projects_AllButTheDemoModel_AreInTheSolution()
    {
        var solution = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "Microservices.sln")).Replace('\\', '/');
        var missing = Projects("protos", "services", "tools", "tests", "clients", "samples")
            .Select(path => Path.GetRelativePath(Shared.RepositoryRoot, path).Replace('\\', '/'))
            .Where(path => !solution.Contains(path, StringComparison.Ordinal));
        Assert.Empty(missing);
    }

    [Fact]
    public void Versions_OfPackages_StandOnlyInTheCentralFile()
    {
        var faults = Projects("protos", "services", "tools", "tests", "clients", "samples")
            .Where(path => XDocument.Load(path).Descendants("PackageReference").Any(package => package.Attribute("Version") is not null));
        Assert.Empty(faults);
    }

    private static IEnumerable<string> Projects(params string[] roots) =>
        roots.Select(root => Path.Combine(Shared.RepositoryRoot, root)).Where(Directory.Exists)
            .SelectMany(root => Directory.EnumerateFiles(root, "*.csproj", SearchOption.AllDirectories))
            .Where(path => !path.Contains("DemoModel", StringComparison.Ordinal));

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(project).Descendants(kind).Select(reference => reference.Attribute("Include")!.Value.Replace('\\', '/'));
}

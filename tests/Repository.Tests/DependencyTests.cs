using System.Xml.Linq;
using Parley.TestSupport;

namespace Parley.Repository.Tests;

/// <summary>Who may know whom, as one literal table.</summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["AspireChat.AppHost"] = ["AspireChat.Web", "Parley", "Parley.Aspire.Hosting"],
        ["AspireChat.Web"] = ["Parley.Aspire"],
        ["ConsoleChat"] = ["Parley.Client"],
        ["EmbeddedChat"] = ["Parley.Embedded"],
        ["ToolCalls"] = ["Parley.Client"],
        ["Parley.Aspire"] = ["Parley.Client"],
        ["Parley.Aspire.Hosting"] = [],
        ["Parley.Client"] = ["Protos"],
        ["Parley.Embedded"] =
            ["Gateway", "Generator", "ModelHub", "ModelImporter", "ModelPackages", "Parley.Client", "ServiceDefaults", "Tokenizer"],
        ["Protos"] = [],
        ["ServiceDefaults"] = [],
        ["Tokenizer"] = ["PackageFormat", "Protos", "ServiceDefaults", "TokenizerFormat"],
        ["Generator"] = ["PackageFormat", "Protos", "ServiceDefaults", "TokenizerFormat"],
        ["Gateway"] = ["Protos", "ServiceDefaults"],
        ["PackageFormat"] = [],
        ["ModelHub"] = [],
        ["TokenizerFormat"] = ["PackageFormat"],
        ["ModelImporter"] = ["PackageFormat"],
        ["ModelPackages"] = ["ModelHub", "ModelImporter", "PackageFormat", "Tokenizer"],
        ["Parley"] =
        [
            "Gateway", "Generator", "ModelHub", "ModelImporter", "ModelPackages", "Parley.Embedded", "Protos", "ServiceDefaults",
            "Tokenizer",
        ],
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

    /// <summary>Its package holds these assemblies, and who installs it gets no other word of what they need.</summary>
    [Fact]
    public void Embedded_Packages_AreThoseOfAllThatItHolds()
    {
        var projects = Projects("services", "tools", "clients").ToDictionary(path => Path.GetFileNameWithoutExtension(path)!);
        var held = new HashSet<string>();
        void Hold(string project)
        {
            if (project != "Protos" && held.Add(project))
                References(projects[project], "ProjectReference").ToList().ForEach(path => Hold(Path.GetFileNameWithoutExtension(path)));
        }

        Hold("Parley.Embedded");
        var needed = held.Except(["Parley.Embedded", "Parley.Client"])
            .SelectMany(project => References(projects[project], "PackageReference")).Distinct().Except(["Grpc.Tools"]);

        Assert.Contains("Generator", held);
        var named = References(projects["Parley.Embedded"], "PackageReference");
        Assert.Equal(needed.Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
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

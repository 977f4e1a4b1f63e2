using System.Text.RegularExpressions;
using System.Xml.Linq;
using Parley.TestSupport;

namespace Parley.Deployment.Tests.Images;

/// <summary>The Dockerfiles read: what a linter would say, and what only this repository can know.</summary>
public sealed partial class DockerfileTests
{
    private static readonly string[] Known = ["ARG", "FROM", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER", "EXPOSE", "ENTRYPOINT"];

    private static readonly string[] Labels = ["title", "description", "vendor", "licenses", "version", "revision"];

    public static TheoryData<string> Paths => [.. Dockerfile.All().Select(file => file.Path)];

    [Fact]
    public void Dockerfiles_AreOneForEachServiceTheCudaVariantAndTheCommandLine() =>
        Assert.Equal(["gateway", "generator", "generator-cuda", "tokenizer", "cli"], Dockerfile.All().Select(file => file.Image));

    [Theory]
    [MemberData(nameof(Paths))]
    public void Bases_AreArgumentsWithAVersion(string path)
    {
        var file = Dockerfile.Read(path);
        foreach (var from in file.Instructions.Where(one => one.Name == "FROM"))
        {
            var name = from.Arguments.Split(' ')[0];
            if (name == "scratch")
                continue;
            var argument = BaseArgument().Match(name);
            Assert.True(argument.Success, from.Arguments);
            Assert.Matches(@"^[a-z0-9./-]+:\d+\.\d+\.\d+-[a-z0-9.-]+$", file.Argument(argument.Groups[1].Value));
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void FinalStage_HasNoRootNoShellAndNothingToRun(string path)
    {
        var file = Dockerfile.Read(path);
        Assert.All(file.Instructions, one => Assert.Contains(one.Name, Known));
        var final = file.Final;
        Assert.Equal(final, file.Instructions.TakeLast(final.Count));
        Assert.DoesNotContain(final, one => one.Name == "RUN");
        Assert.Equal("1654:1654", Assert.Single(final, one => one.Name == "USER").Arguments);
        Assert.Contains("-chiseled", file.Argument("RUNTIME_IMAGE"));
        Assert.Equal("dotnet", file.EntryPoint[0]);
        Assert.Equal("/app", Assert.Single(final, one => one.Name == "WORKDIR").Arguments);
        Assert.All(final.Where(one => one.Name == "COPY"), copy => Assert.StartsWith("--from=", copy.Arguments));
        var labels = Assert.Single(final, one => one.Name == "LABEL").Arguments;
        Assert.All(Labels, label => Assert.Contains($"org.opencontainers.image.{label}=", labels));
        Assert.Equal(Programs.Version, file.Argument("VERSION"));
        Assert.DoesNotContain(file.Variables.Keys, name => name.Contains("Key") || name.Contains("KEY") || name.Contains("TOKEN"));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Image_SaysOfItsProgramWhatTheProgramIs(string path)
    {
        var file = Dockerfile.Read(path);
        var project = XDocument.Load(ProjectFile(file.Project));
        var assembly = project.Descendants("AssemblyName").SingleOrDefault()?.Value
            ?? $"Parley.{Path.GetFileName(file.Project)}";
        Assert.Equal($"/app/{assembly}.dll", file.EntryPoint[1]);
        var ports = Programs.ServiceOf(file.Image) is { } service ? Programs.Endpoints(service).Values : [];
        var exposed = file.Final.SingleOrDefault(one => one.Name == "EXPOSE")?.Arguments.Split(' ').Select(int.Parse) ?? [];
        Assert.Equal(ports, exposed);

        // Unicode normalisation needs ICU; ONNX Runtime's telemetry is off only by a variable of the process.
        var closure = Closure(ProjectFile(file.Project)).Select(one => Path.GetFileNameWithoutExtension(one)).ToList();
        Assert.Equal(closure.Contains("Tokenizer"), file.Argument("RUNTIME_IMAGE").EndsWith("-extra", StringComparison.Ordinal));
        Assert.Equal(closure.Contains("Tokenizer") ? "0" : "1", file.Variables["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"]);
        Assert.Equal(closure.Contains("Generator"), file.Variables.ContainsKey("ORT_DISABLE_TELEMETRY"));
        if (Programs.ServiceOf(file.Image) is { } owner)
        {
            var own = file.Variables.Where(pair => pair.Key.StartsWith($"{owner}__", StringComparison.OrdinalIgnoreCase));
            Assert.All(own, pair => Assert.Null(Programs.VariableFault(owner, pair.Key, pair.Value)));
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void PublishContainer_OfTheProject_SaysTheSame(string path)
    {
        var file = Dockerfile.Read(path);
        var project = XDocument.Load(ProjectFile(file.Project));
        Assert.StartsWith(project.Descendants("ContainerRepository").Single().Value, $"parley/{file.Image}");
        var image = project.Descendants("ContainerBaseImage").Single(image => image.Attribute("Condition") is null);
        Assert.Equal(file.Argument("RUNTIME_IMAGE"), image.Value);
        Assert.Equal("1654", project.Descendants("ContainerUser").Single().Value);
        Assert.Equal(
            file.Final.SingleOrDefault(one => one.Name == "EXPOSE")?.Arguments.Split(' ') ?? [],
            project.Descendants("ContainerPort").Select(port => port.Attribute("Include")!.Value));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Copies_AreInTheContextAndAreWhatTheProjectNeeds(string path)
    {
        var file = Dockerfile.Read(path);
        var copied = file.Copies("build").Select(copy => copy.Source).ToList();
        Assert.Equal(copied.Count, copied.Distinct().Count());
        Assert.All(copied, source =>
        {
            Assert.True(Path.Exists(Path.Combine(Shared.RepositoryRoot, source)), source);
            Assert.True(BuildContext.Includes(source.TrimEnd('/')), $".dockerignore leaves {source} out");
        });

        var needed = Closure(ProjectFile(file.Project))
            .Select(project => Path.GetRelativePath(Shared.RepositoryRoot, Path.GetDirectoryName(project)!).Replace('\\', '/') + "/");
        Assert.Equal(
            needed.Order(StringComparer.Ordinal),
            copied.Where(source => source.EndsWith('/') && source is not (".config/" or "models/demo/")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Context_OfTheBuild_HasNeitherRepositoryNorBuildsNorTests()
    {
        string[] outside = [".git", "artifacts", "tests", "docs", "services/Gateway/bin/x.dll", "deploy/api-keys", "tools/DemoModel"];
        string[] inside = ["services/Gateway/Program.cs", "models/demo/config.json", "tools/Parley/Parley.csproj", "protos/Protos.csproj"];
        Assert.All(outside, path => Assert.False(BuildContext.Includes(path), path));
        Assert.All(inside, path => Assert.True(BuildContext.Includes(path), path));
    }

    internal static string ProjectFile(string folder) =>
        Directory.GetFiles(Path.Combine(Shared.RepositoryRoot, folder), "*.csproj").Single();

    /// <summary>A project with all that it refers to.</summary>
    private static HashSet<string> Closure(string project)
    {
        var found = new HashSet<string>();
        void Add(string path)
        {
            if (!found.Add(path))
                return;
            foreach (var reference in XDocument.Load(path).Descendants("ProjectReference").Select(one => one.Attribute("Include")!.Value))
                Add(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, reference.Replace('\\', '/'))));
        }

        Add(project);
        return found;
    }

    [GeneratedRegex(@"^\$\{([A-Z_]+)\}$")]
    private static partial Regex BaseArgument();
}

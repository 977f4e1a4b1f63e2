using System.Globalization;
using Parley.TestSupport;
using YamlDotNet.RepresentationModel;

namespace Parley.Deployment.Tests.Machines;

/// <summary>The compose files read strictly, against the services' options and the images.</summary>
public sealed class ComposeTests
{
    /// <summary>Keys of the compose specification (compose-spec.io, 05-services.md) that these files use; another is a slip.</summary>
    private static readonly string[] ServiceKeys =
    [
        "build", "cap_drop", "command", "depends_on", "deploy", "environment", "healthcheck", "image", "networks", "pids_limit", "ports",
        "read_only", "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs", "user", "volumes",
    ];

    private static readonly string[] FileKeys = ["name", "services", "secrets", "volumes", "networks", "x-service"];

    private static readonly string Folder = Path.Combine(Shared.RepositoryRoot, "deploy");

    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("compose.cuda.yaml")]
    public void Keys_OfTheFile_AreThoseOfTheSpecification(string name)
    {
        var file = Read(name);
        Assert.All(Keys(file), key => Assert.Contains(key, FileKeys));
        foreach (var (service, body) in Services(file))
            Assert.All(Keys(body), key => Assert.True(ServiceKeys.Contains(key), $"{service}: {key}"));
    }

    [Fact]
    public void Services_HaveNoRightsBoundsAndTimeToEnd()
    {
        foreach (var (service, body) in Services(Read("compose.yaml")))
        {
            Assert.Equal("1654:1654", Text(body, "user"));
            Assert.Equal("true", Text(body, "read_only"));
            Assert.Equal("ALL", (string)((YamlSequenceNode)body["cap_drop"])[0]!);
            Assert.Equal("no-new-privileges:true", (string)((YamlSequenceNode)body["security_opt"])[0]!);
            var limits = (YamlMappingNode)body["deploy"]["resources"]["limits"];
            Assert.Equal(["cpus", "memory"], Keys(limits).Order(StringComparer.Ordinal));
            var grace = int.Parse(Text(body, "stop_grace_period").TrimEnd('s'), CultureInfo.InvariantCulture);
            Assert.True(grace >= SystemdUnitTests.ShutdownSeconds + 10, service);
        }
    }

    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("compose.cuda.yaml")]
    public void Images_AndTheirBuilds_AreThoseOfTheDockerfiles(string name)
    {
        foreach (var (_, body) in Services(Read(name)))
        {
            var path = Text((YamlMappingNode)body["build"], "dockerfile");
            Assert.Equal($"parley/{Images.Dockerfile.Read(path).Image}:{Programs.Version}", Text(body, "image"));
            Assert.Equal("..", Text((YamlMappingNode)body["build"], "context"));
        }
    }

    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("compose.cuda.yaml")]
    public void Variables_OfServices_SetWhatTheirOptionsHave(string name)
    {
        foreach (var (service, body) in Services(Read(name)).Where(pair => Programs.Services.Contains(pair.Name)))
        {
            foreach (var pair in ((YamlMappingNode)body["environment"]).Children)
                Assert.Null(Programs.VariableFault(service, (string)pair.Key!, (string)pair.Value!));
        }
    }

    [Fact]
    public void HealthChecks_AreTheProgramsOwn()
    {
        var services = Services(Read("compose.yaml")).Where(pair => Programs.Services.Contains(pair.Name)).ToList();
        Assert.Equal(3, services.Count);
        foreach (var (service, body) in services)
        {
            var entry = Images.Dockerfile.Read(Text((YamlMappingNode)body["build"], "dockerfile")).EntryPoint;
            var test = ((YamlSequenceNode)body["healthcheck"]["test"]).Select(node => (string)node!).ToArray();
            Assert.Equal(["CMD", .. entry, "--check-health"], test);
            Assert.True(int.Parse(((string)body["healthcheck"]["timeout"]!).TrimEnd('s'), CultureInfo.InvariantCulture) > 5, service);
        }
    }

    [Fact]
    public void Names_ThatServicesUse_AreThere()
    {
        var file = Read("compose.yaml");
        var services = Services(file).ToDictionary(pair => pair.Name, pair => pair.Body);
        foreach (var (service, body) in services)
        {
            if (body.Children.TryGetValue("depends_on", out var needed))
                Assert.All(Keys((YamlMappingNode)needed), name => Assert.True(services.ContainsKey(name), $"{service}: {name}"));
            Assert.All((YamlSequenceNode)body["networks"], node => Assert.Contains((string)node!, Keys((YamlMappingNode)file["networks"])));
            if (!body.Children.TryGetValue("volumes", out var volumes))
                continue;
            var known = Keys((YamlMappingNode)file["volumes"]).ToList();
            Assert.All((YamlSequenceNode)volumes, node => Assert.Contains(((string)node!).Split(':')[0], known));
        }

        // The addresses that the Gateway is given are the others' names and ports.
        var gateway = (YamlMappingNode)services["gateway"]["environment"];
        Assert.Equal($"http://tokenizer:{Programs.Endpoints("tokenizer")["Grpc"]}", Text(gateway, "Gateway__TokenizerAddress"));
        Assert.Equal($"http://generator:{Programs.Endpoints("generator")["Grpc"]}", Text(gateway, "Gateway__GeneratorAddress"));
        Assert.Equal("true", Text((YamlMappingNode)file["networks"]["inside"], "internal"));
    }

    [Fact]
    public async Task Compose_WhereItIsAtHand_AcceptsBothFiles()
    {
        var docker = ProgramRun.Require("docker");
        var version = await ProgramRun.RunAsync(docker, ["compose", "version"], Folder);
        Assert.SkipUnless(version.ExitCode == 0, "docker has no compose here.");
        var run = await ProgramRun.RunAsync(
            docker, ["compose", "-f", "compose.yaml", "-f", "compose.cuda.yaml", "config", "--quiet"], Folder);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private static YamlMappingNode Read(string name)
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(Path.Combine(Folder, name));
        stream.Load(reader);
        var file = (YamlMappingNode)stream.Documents.Single().RootNode;
        foreach (var (_, body) in Services(file))
            Merge(body);
        return file;
    }

    /// <summary>A service's own keys win over those that it takes from elsewhere (<c>&lt;&lt;: *service</c>).</summary>
    private static void Merge(YamlMappingNode body)
    {
        if (!body.Children.Remove(new YamlScalarNode("<<"), out var others))
            return;
        foreach (var (key, value) in ((YamlMappingNode)others).Children)
            body.Children.TryAdd(key, value);
    }

    private static IEnumerable<(string Name, YamlMappingNode Body)> Services(YamlMappingNode file) =>
        ((YamlMappingNode)file["services"]).Children.Select(pair => ((string)pair.Key!, (YamlMappingNode)pair.Value));

    private static IEnumerable<string> Keys(YamlMappingNode node) => node.Children.Keys.Select(key => (string)key!);

    private static string Text(YamlMappingNode node, string key) => (string)node[key]!;
}

using System.Collections.Concurrent;
using k8s;
using Parley.TestSupport;
using YamlDotNet.RepresentationModel;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>What an overlay comes to: every object, the built-in ones as strictly typed models.</summary>
internal sealed class Overlay
{
    /// <summary>Every component at once on the CPU, and on the GPU by claim: what one adds must suit the others.</summary>
    private static readonly Dictionary<string, string[]> Combinations = new()
    {
        ["all-on-cpu"] =
            ["overlays/cpu", "components/production", "components/autoscale", "components/gateway-api", "components/single-node",
             "components/api-keys"],
        ["all-on-gpu-dra"] =
            ["overlays/gpu-dra", "components/production", "components/autoscale", "components/gateway-api", "components/model-image"],
    };

    private static readonly ConcurrentDictionary<string, Lazy<Task<Overlay>>> Built = new();

    private Overlay(string name, IReadOnlyList<KubernetesObject> objects) => (Name, Objects) = (name, objects);

    public string Name { get; }

    public IReadOnlyList<KubernetesObject> Objects { get; }

    /// <summary>The overlays in the tree, and the combinations.</summary>
    public static IEnumerable<string> Names => Directory.GetDirectories(Path.Combine(K8s, "overlays"))
        .Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal).Concat(Combinations.Keys);

    public static string K8s { get; } = Path.Combine(Shared.RepositoryRoot, "k8s");

    public IEnumerable<T> Of<T>() => Objects.Select(one => one.Model).OfType<T>();

    /// <summary>The objects that make pods.</summary>
    public IEnumerable<KubernetesObject> Workloads => Objects.Where(one => one.Pods is not null);

    /// <summary>Builds an overlay, once; skips the running test where kubectl is not at hand.</summary>
    public static async Task<Overlay> GetAsync(string name)
    {
        var kubectl = ProgramRun.Require("kubectl");
        return await Built.GetOrAdd(name, _ => new Lazy<Task<Overlay>>(() => BuildAsync(kubectl, name))).Value;
    }

    /// <summary>Reads objects strictly: an unknown field, or one given twice, is an error.</summary>
    public static IReadOnlyList<KubernetesObject> Parse(string yaml)
    {
        var objects = new List<KubernetesObject>();
        foreach (var text in yaml.Split("\n---\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            var one = new KubernetesObject(text, (YamlMappingNode)stream.Documents.Single().RootNode);
            var isBuiltIn = one.ApiVersion == "v1" || !one.ApiVersion.Split('/')[0].Contains('.')
                || one.ApiVersion.Split('/')[0].EndsWith(".k8s.io", StringComparison.Ordinal) && !CustomResources.Has(one);
            objects.Add(isBuiltIn ? one with { Model = KubernetesYaml.LoadAllFromString(text, strict: true).Single() } : one);
        }

        return objects;
    }

    private static async Task<Overlay> BuildAsync(string kubectl, string name)
    {
        var folder = Path.Combine(K8s, "overlays", name);
        var temporary = Combinations.TryGetValue(name, out var parts) ? Compose(parts) : null;
        try
        {
            var run = await ProgramRun.RunAsync(kubectl, ["kustomize", temporary ?? folder], Shared.RepositoryRoot);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.DoesNotContain("Warning", run.Error);
            return new Overlay(name, Parse(run.Output));
        }
        finally
        {
            if (temporary is not null)
                Directory.Delete(temporary, recursive: true);
        }
    }

    private static string Compose(string[] parts)
    {
        var folder = Directory.CreateTempSubdirectory("parley-overlay-").FullName;
        string Relative(string part) => Path.GetRelativePath(folder, Path.Combine(K8s, part)).Replace('\\', '/');
        File.WriteAllText(Path.Combine(folder, "kustomization.yaml"), $"""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [{Relative(parts[0])}]
            components: [{string.Join(", ", parts[1..].Select(Relative))}]
            """);
        return folder;
    }
}

using System.Text;
using System.Text.Json;
using k8s;
using Parley.TestSupport;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>
/// Custom resources against the types that npm has of them: written as TypeScript literals, in which a field that a type lacks, or one of
/// another type, does not compile.
/// </summary>
public sealed class PublishedTypesTests
{
    private static readonly Dictionary<string, (string Package, string Version)> Packages = new()
    {
        ["keda.sh/v1alpha1"] = ("@kubernetes-models/keda", "2.0.0"),
        ["gateway.networking.k8s.io/v1"] = ("@kubernetes-models/gateway-api", "2.0.0"),
        ["monitoring.coreos.com/v1"] = ("@kubernetes-models/prometheus-operator", "6.0.0"),
    };

    [SlowFact]
    public async Task CustomResources_AsLiteralsOfPublishedTypes_Compile()
    {
        var npm = ProgramRun.Require("npm");
        var folder = Directory.CreateTempSubdirectory("parley-types-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "package.json"), """{"private":true}""");
            var packages = Packages.Values.Select(one => $"{one.Package}@{one.Version}");
            var install = await ProgramRun.RunAsync(
                npm, ["install", "--no-audit", "--no-fund", "--ignore-scripts", "typescript@5.9.3", .. packages], folder);
            Assert.SkipUnless(install.ExitCode == 0, $"npm's registry is not to be had: {install.Error}");

            var source = new StringBuilder();
            var count = 0;
            foreach (var name in Overlay.Names)
            {
                var overlay = await Overlay.GetAsync(name);
                foreach (var one in overlay.Objects.Where(one => one.Model is null && Packages.ContainsKey(one.ApiVersion)))
                    source.Append(Literal(one, count++));
            }

            Assert.True(count > 5);
            await File.WriteAllTextAsync(Path.Combine(folder, "objects.ts"), source.ToString());
            var compile = await TypeScriptAsync(folder, "objects.ts");
            Assert.True(compile.ExitCode == 0, compile.Output);

            // And the compiler does refuse.
            var slip = source.ToString().Replace("\"rules\"", "\"rulez\"", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(folder, "wrong.ts"), slip);
            var wrong = await TypeScriptAsync(folder, "wrong.ts");
            Assert.NotEqual(0, wrong.ExitCode);
            Assert.Contains("'\"rulez\"' does not exist", wrong.Output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<ProgramRun> TypeScriptAsync(string folder, string file) => ProgramRun.RunAsync(
        ProgramRun.Require("node"),
        [
            Path.Combine(folder, "node_modules", "typescript", "bin", "tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module",
            "nodenext", "--moduleResolution", "nodenext", file,
        ],
        folder);

    private static string Literal(KubernetesObject one, int number)
    {
        var json = JsonSerializer.Serialize(KubernetesYaml.Deserialize<object>(one.Text));
        var module = $"{Packages[one.ApiVersion].Package}/{one.ApiVersion}/{one.Kind}";
        return $"import {{ I{one.Kind} as T{number} }} from \"{module}\";\nexport const o{number}: T{number} = {json};\n";
    }
}

using System.Globalization;
using Grpc.AspNetCore.HealthChecks;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Parley.ServiceDefaults;
using Parley.TestSupport;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>Every overlay, object by object, against Kubernetes' types and the services' own options.</summary>
public sealed class OverlayTests
{
    /// <summary>Time that a program takes to end once its streams have, beyond its budget.</summary>
    private const int EndSeconds = 10;

    private static readonly string[] ClusterWide = ["Namespace", "PriorityClass"];

    public static TheoryData<string> Overlays => [.. Overlay.Names];

    [Fact]
    public void Overlays_OfTheTree_AreThoseOfTheReadme()
    {
        var readme = File.ReadAllText(Path.Combine(Overlay.K8s, "README.md"));
        var names = new[] { "overlays", "components" }.SelectMany(kind => Directory.GetDirectories(Path.Combine(Overlay.K8s, kind)))
            .Select(folder => Path.GetFileName(folder)).ToList();
        Assert.True(names.Count >= 11);
        Assert.All(names, name => Assert.Contains($"`{name}`", readme));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Objects_OfAnOverlay_HaveOnlyFieldsThatTheirTypesHave(string name)
    {
        // Built-in kinds have been read strictly already.
        var overlay = await Overlay.GetAsync(name);
        Assert.True(overlay.Objects.Count > 5);
        Assert.Empty(overlay.Objects.Where(one => one.Model is null).SelectMany(CustomResources.Faults));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Names_OfAnOverlay_AreUniqueAndInTheNamespace(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        Assert.Equal(overlay.Objects.Count, overlay.Objects.Select(one => $"{one.ApiVersion} {one}").Distinct().Count());
        Assert.All(overlay.Objects, one => Assert.Equal(ClusterWide.Contains(one.Kind) ? null : "parley", one.Namespace));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task References_OfAnOverlay_LeadToWhatIsThere(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        Assert.Empty(References.Faults(overlay));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Containers_OfAnOverlay_AreBoundedAndWithoutRights(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        var seen = 0;
        foreach (var workload in overlay.Workloads)
        {
            var pods = workload.Pods!.Spec;
            Assert.True(pods.SecurityContext.RunAsNonRoot, $"{workload}: runAsNonRoot");
            Assert.True(pods.SecurityContext.RunAsUser > 0, $"{workload}: runAsUser");
            Assert.Equal("RuntimeDefault", pods.SecurityContext.SeccompProfile.Type);
            Assert.Null(pods.HostNetwork);
            Assert.Null(pods.HostPID);
            Assert.All(pods.Volumes, volume => Assert.Null(volume.HostPath));
            Assert.All(pods.Volumes.Where(volume => volume.EmptyDir is not null), volume => Assert.NotNull(volume.EmptyDir.SizeLimit));
            foreach (var container in AllContainers(pods))
            {
                seen++;
                var place = $"{workload}/{container.Name}";
                Assert.False(container.SecurityContext.AllowPrivilegeEscalation, place);
                Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
                Assert.Null(container.SecurityContext.Capabilities.Add);
                Assert.Null(container.SecurityContext.Privileged);
                var needsDriver = container.Image.StartsWith("parley/generator-cuda", StringComparison.Ordinal);
                Assert.Equal(!needsDriver, container.SecurityContext.ReadOnlyRootFilesystem);
                foreach (var resource in new[] { "cpu", "memory" })
                {
                    Assert.True(container.Resources.Limits.ContainsKey(resource), $"{place}: no limit of {resource}");
                    Assert.True(container.Resources.Requests.ContainsKey(resource), $"{place}: no request of {resource}");
                    var (asked, allowed) = (container.Resources.Requests[resource], container.Resources.Limits[resource]);
                    Assert.True(Amount(asked) <= Amount(allowed), $"{place}: {resource}");
                }
            }
        }

        Assert.True(seen >= 3);
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Variables_OfServices_SetWhatTheirOptionsHave(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        var faults = new List<string>();
        foreach (var (service, container) in overlay.Workloads.SelectMany(one => ServiceContainers(one.Pods!.Spec)))
        {
            faults.AddRange((container.Env ?? []).Select(variable =>
                Programs.VariableFault(service, variable.Name, variable.Value ?? Referenced(overlay, variable))).OfType<string>());
            var ports = Programs.Endpoints(service).ToDictionary(pair => pair.Key.ToLowerInvariant(), pair => pair.Value);
            ports.Add(TelemetryNames.PortName, TelemetryNames.Port);
            Assert.Equal(
                ports.OrderBy(pair => pair.Value),
                container.Ports.Select(port => KeyValuePair.Create(port.Name, port.ContainerPort)).OrderBy(pair => pair.Value));
        }

        Assert.Empty(faults);
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Settings_OfTheGenerator_AreInRangeTogether(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        var container = Generator(overlay);
        var options = Programs.Defaults("generator");
        int Setting(string property) => int.Parse(
            container.Env.SingleOrDefault(variable => variable.Name == $"Generator__{property}")?.Value
            ?? Convert.ToString(options.GetType().GetProperty(property)!.GetValue(options), CultureInfo.InvariantCulture)!,
            CultureInfo.InvariantCulture);
        Assert.True(Setting("RunningSequencesMax") <= Setting("StepTokensMax"));
        Assert.True(Setting("PrefillChunkTokens") <= Setting("StepTokensMax"));

        // An autoscaler that waits for more sequences than can run would never act.
        var scaled = overlay.Objects.SingleOrDefault(one => one.Kind == "ScaledObject");
        if (scaled is null)
            return;
        var triggers = (YamlDotNet.RepresentationModel.YamlSequenceNode)scaled.Root["spec"]["triggers"];
        var threshold = triggers.Single(one => ((string)one["metadata"]["query"]!).Contains("requests_running", StringComparison.Ordinal));
        Assert.True(int.Parse((string)threshold["metadata"]["threshold"]!, CultureInfo.InvariantCulture) < Setting("RunningSequencesMax"));
        var queries = triggers.Select(one => (string)one["metadata"]["query"]!);
        Assert.All(queries, query => Assert.Contains(TelemetryNames.Metrics, query.Contains));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Probes_OfServices_AskWhatTheServicesAnswer(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        var known = HealthServices();
        foreach (var (service, container) in overlay.Workloads.SelectMany(one => ServiceContainers(one.Pods!.Spec)))
        {
            var (startup, ready, live) = (container.StartupProbe, container.ReadinessProbe, container.LivenessProbe);
            Assert.All([startup, ready, live], probe =>
            {
                Assert.Equal(Programs.Endpoints(service)["Grpc"], probe.Grpc.Port);
                Assert.Contains(probe.Grpc.Service, known);
            });
            Assert.Equal(("readiness", "liveness"), (ready.Grpc.Service, live.Grpc.Service));

            // A start may take minutes; a pod that is not ready is left out soon; one is killed slowly.
            Assert.True(startup.PeriodSeconds * startup.FailureThreshold >= (service == "generator" ? 600 : 120), $"{service}: startup");
            Assert.True(ready.PeriodSeconds <= 5 && ready.TimeoutSeconds >= 2, $"{service}: readiness");
            Assert.True(
                live.PeriodSeconds * live.FailureThreshold > 2 * ready.PeriodSeconds * ready.FailureThreshold && live.TimeoutSeconds >= 5,
                $"{service}: liveness");
        }
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task GracePeriod_OfServices_IsPreStopAndTheirOwnTimeTogether(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        foreach (var workload in overlay.Workloads)
        {
            foreach (var (service, container) in ServiceContainers(workload.Pods!.Spec))
            {
                var variable = Assert.Single(container.Env, one => one.Name == "Parley__ShutdownSeconds");
                var preStop = container.Lifecycle.PreStop.Sleep.Seconds;
                Assert.True(preStop >= 10, $"{service}: endpoints take seconds to follow");
                var needed = preStop + int.Parse(variable.Value, CultureInfo.InvariantCulture) + EndSeconds;
                Assert.True(workload.Pods.Spec.TerminationGracePeriodSeconds >= needed, $"{service}: {needed} s are needed");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Images_OfAnOverlay_HaveAVersionAndOursAreBuiltHere(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        var dockerfiles = Images.Dockerfile.All().Select(file => $"parley/{file.Image}:{Programs.Version}").ToList();
        foreach (var container in overlay.Workloads.SelectMany(one => AllContainers(one.Pods!.Spec)))
        {
            Assert.Matches(@"^[a-z0-9./-]+:v?\d+\.\d+\.\d+$", container.Image);
            if (container.Image.StartsWith("parley/", StringComparison.Ordinal))
                Assert.Contains(container.Image, dockerfiles);
        }
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("gpu-dra")]
    [InlineData("production")]
    [InlineData("all-on-gpu-dra")]
    public async Task Generator_OnAGpu_AsksForItOnce(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        var deployment = overlay.Of<V1Deployment>().Single(one => one.Metadata.Name == "parley-generator");
        var container = Generator(overlay);
        var isClaimed = container.Resources.Claims is { Count: 1 };

        Assert.Equal(name.Contains("dra"), isClaimed);
        Assert.Equal(!isClaimed, container.Resources.Limits.ContainsKey("nvidia.com/gpu"));
        Assert.Contains(
            deployment.Spec.Template.Spec.Tolerations,
            one => one is { Key: "nvidia.com/gpu", OperatorProperty: "Exists", Effect: "NoSchedule" });
        Assert.Equal("cuda", container.Env.Single(one => one.Name == "Generator__Device").Value);
        Assert.StartsWith("parley/generator-cuda:", container.Image);
        Assert.Equal("0", deployment.Spec.Strategy.RollingUpdate.MaxSurge.Value);
        Assert.Contains(Model(overlay)["PRECISION"], (string[])["bf16", "fp16", "int4-fp16"]);
        if (isClaimed)
        {
            var template = overlay.Of<V1ResourceClaimTemplate>().Single();
            var claim = Assert.Single(deployment.Spec.Template.Spec.ResourceClaims);
            Assert.Equal(template.Metadata.Name, claim.ResourceClaimTemplateName);
            Assert.Equal(claim.Name, container.Resources.Claims[0].Name);
            Assert.Equal(1, template.Spec.Spec.Devices.Requests.Single().Exactly.Count);
        }
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("all-on-cpu")]
    public async Task Generator_OnTheCpu_ServesAPackageForTheCpu(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        Assert.DoesNotContain(Generator(overlay).Env, one => one.Name == "Generator__Device");
        Assert.Contains(Model(overlay)["PRECISION"], (string[])["fp32", "int8", "int4", "w8a8"]);
    }

    [Theory]
    [InlineData("production")]
    [InlineData("all-on-cpu")]
    [InlineData("all-on-gpu-dra")]
    public async Task Quota_OfProduction_HoldsTheLargestDeploymentThatIsAllowed(string overlayName)
    {
        var overlay = await Overlay.GetAsync(overlayName);
        var hard = overlay.Of<V1ResourceQuota>().Single().Spec.Hard;
        var sums = new Dictionary<string, decimal> { ["pods"] = 0 };
        foreach (var workload in overlay.Workloads)
        {
            // During a rollout there is one more.
            var count = ReplicasMax(overlay, workload) + (workload.Kind == "Deployment" ? 1 : 0);
            sums["pods"] += count;
            foreach (var container in workload.Pods!.Spec.Containers)
            {
                foreach (var (key, value) in container.Resources.Requests)
                    sums[$"requests.{key}"] = sums.GetValueOrDefault($"requests.{key}") + (count * Amount(value));
                foreach (var (key, value) in container.Resources.Limits)
                {
                    // A limit of a device is a request of it.
                    var name = key.Contains('/') ? $"requests.{key}" : $"limits.{key}";
                    sums[name] = sums.GetValueOrDefault(name) + (count * Amount(value));
                }
            }
        }

        Assert.All(sums, sum => Assert.True(sum.Value <= Amount(hard[sum.Key]), $"{sum.Key}: {sum.Value} of {hard[sum.Key]}"));
    }

    [Fact]
    public void Secrets_ThatComeFromOutside_AreMadeInTheGuide()
    {
        var guide = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "docs", "kubernetes.md"));
        Assert.All(References.OutsideSecrets, secret => Assert.Contains($"create secret generic {secret}", guide));
    }

    internal static IEnumerable<V1Container> AllContainers(V1PodSpec pods) => (pods.InitContainers ?? []).Concat(pods.Containers);

    private static IEnumerable<(string Service, V1Container Container)> ServiceContainers(V1PodSpec pods) =>
        pods.Containers.Select(one => (Programs.ServiceOf(one.Image.StartsWith("parley/", StringComparison.Ordinal) ? one.Image : ""), one))
            .Where(pair => pair.Item1 is not null).Select(pair => (pair.Item1!, pair.one));

    private static V1Container Generator(Overlay overlay) => overlay.Workloads.SelectMany(one => one.Pods!.Spec.Containers)
        .Single(one => one.Name == "generator");

    private static IDictionary<string, string> Model(Overlay overlay) =>
        overlay.Of<V1ConfigMap>().Single(one => one.Metadata.Name.StartsWith("parley-model-", StringComparison.Ordinal)).Data;

    private static string Referenced(Overlay overlay, V1EnvVar variable)
    {
        var reference = variable.ValueFrom.ConfigMapKeyRef;
        return overlay.Of<V1ConfigMap>().Single(one => one.Metadata.Name == reference.Name).Data[reference.Key];
    }

    private static int ReplicasMax(Overlay overlay, KubernetesObject workload)
    {
        if (workload.Model is not V1Deployment deployment)
            return 1;
        var scaled = overlay.Objects.SingleOrDefault(
            one => one.Kind == "ScaledObject" && one.At("spec", "scaleTargetRef", "name") == workload.Name);
        var scaler = overlay.Of<V2HorizontalPodAutoscaler>().SingleOrDefault(one => one.Spec.ScaleTargetRef.Name == workload.Name);
        Assert.True(deployment.Spec.Replicas is null == (scaled is not null || scaler is not null), $"{workload}: who says how many?");
        return scaled is not null ? int.Parse(scaled.At("spec", "maxReplicaCount")!, CultureInfo.InvariantCulture)
            : scaler?.Spec.MaxReplicas ?? deployment.Spec.Replicas!.Value;
    }

    private static decimal Amount(ResourceQuantity quantity) => quantity.ToDecimal();

    /// <summary>The names under which the services' health is asked for, from their own registration.</summary>
    private static HashSet<string> HealthServices()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.AddServiceDefaults("parley-test");
        using var provider = builder.Services.BuildServiceProvider();
        return [.. provider.GetRequiredService<IOptions<GrpcHealthChecksOptions>>().Value.Services.Select(service => service.Name)];
    }
}

using k8s.Models;
using YamlDotNet.RepresentationModel;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>What objects of an overlay say of each other: names, labels and ports that must lead somewhere.</summary>
internal static class References
{
    /// <summary>Secrets are the operator's; the guide says how each is made.</summary>
    public static readonly string[] OutsideSecrets = ["parley-api-keys", "parley-hf-token"];

    private const string DefaultAccount = "default";

    public static IReadOnlyList<string> Faults(Overlay overlay) =>
    [
        .. overlay.Workloads.SelectMany(one => PodFaults(overlay, one)),
        .. overlay.Of<V1Service>().SelectMany(service => ServiceFaults(overlay, service)),
        .. overlay.Of<V1PodDisruptionBudget>().Where(one => Selected(overlay, one.Spec.Selector).Count != 1)
            .Select(one => $"the budget {one.Metadata.Name} selects no workload, or several"),
        // Where the model comes as an image there is no job, and its policy waits for nobody.
        .. overlay.Of<V1NetworkPolicy>().Where(one => Selected(overlay, one.Spec.PodSelector).Count == 0
                && (one.Metadata.Name != "parley-model-import" || overlay.Of<V1Job>().Any()))
            .Select(one => $"the policy {one.Metadata.Name} selects nobody"),
        .. overlay.Of<V2HorizontalPodAutoscaler>().Where(one => !Has(overlay, one.Spec.ScaleTargetRef.Kind, one.Spec.ScaleTargetRef.Name))
            .Select(one => $"the autoscaler {one.Metadata.Name} scales {one.Spec.ScaleTargetRef.Name}, which is not there"),
        .. overlay.Of<V1RoleBinding>().Where(one => !Has(overlay, one.RoleRef.Kind, one.RoleRef.Name)
            || !one.Subjects.All(subject => Has(overlay, subject.Kind, subject.Name) && subject.NamespaceProperty == "parley"))
            .Select(one => $"the binding {one.Metadata.Name} binds what is not there"),
        .. overlay.Objects.Where(one => one.Model is null).SelectMany(one => CustomFaults(overlay, one)),
    ];

    /// <summary>The workloads whose pods a selector selects.</summary>
    public static IReadOnlyList<KubernetesObject> Selected(Overlay overlay, V1LabelSelector selector) =>
        [.. overlay.Workloads.Where(one => Matches(selector, one.Pods!.Metadata.Labels))];

    /// <summary>Whether a selector takes a pod with these labels.</summary>
    public static bool Matches(V1LabelSelector selector, IDictionary<string, string> labels) =>
        (selector.MatchLabels ?? new Dictionary<string, string>())
            .All(pair => labels.TryGetValue(pair.Key, out var value) && value == pair.Value)
        && (selector.MatchExpressions ?? []).All(expression => expression.OperatorProperty == "In"
            ? labels.TryGetValue(expression.Key, out var value) && expression.Values.Contains(value)
            : throw new NotSupportedException(expression.OperatorProperty));

    private static bool HasPort(Overlay overlay, string service, string port) => overlay.Of<V1Service>()
        .Any(one => one.Metadata.Name == service && one.Spec.Ports.Any(open => $"{open.Port}" == port));

    private static bool Has(Overlay overlay, string kind, string name) => overlay.Objects.Any(one => one.Kind == kind && one.Name == name);

    private static IEnumerable<string> PodFaults(Overlay overlay, KubernetesObject workload)
    {
        var pods = workload.Pods!;
        if (workload.Model is V1Deployment deployment && !Matches(deployment.Spec.Selector, pods.Metadata.Labels))
            yield return $"{workload}: its selector does not select its pods";
        if (workload.Model is V1Deployment owner && Selected(overlay, owner.Spec.Selector).Count != 1)
            yield return $"{workload}: its selector selects others' pods";
        if (pods.Spec.ServiceAccountName is not (null or DefaultAccount) && !Has(overlay, "ServiceAccount", pods.Spec.ServiceAccountName))
            yield return $"{workload}: no service account {pods.Spec.ServiceAccountName}";
        if (pods.Spec.PriorityClassName is { } priority && !Has(overlay, "PriorityClass", priority))
            yield return $"{workload}: no priority class {priority}";
        foreach (var constraint in pods.Spec.TopologySpreadConstraints ?? [])
        {
            if (!Matches(constraint.LabelSelector, pods.Metadata.Labels))
                yield return $"{workload}: spreads others than its own pods";
        }

        var names = new List<(string Kind, string Name)>();
        foreach (var volume in pods.Spec.Volumes ?? [])
        {
            names.AddRange(new (string, string?)[]
            {
                ("PersistentVolumeClaim", volume.PersistentVolumeClaim?.ClaimName), ("ConfigMap", volume.ConfigMap?.Name),
                ("Secret", volume.Secret?.SecretName),
            }.Where(one => one.Item2 is not null)!);
        }

        foreach (var container in OverlayTests.AllContainers(pods.Spec))
        {
            foreach (var mount in container.VolumeMounts ?? [])
            {
                if (pods.Spec.Volumes?.Any(volume => volume.Name == mount.Name) != true)
                    yield return $"{workload}/{container.Name}: no volume {mount.Name}";
            }

            names.AddRange((container.EnvFrom ?? []).Select(from => ("ConfigMap", from.ConfigMapRef.Name)));
            foreach (var from in (container.Env ?? []).Select(variable => variable.ValueFrom).Where(from => from is not null))
            {
                if (from.ConfigMapKeyRef is { } key)
                {
                    names.Add(("ConfigMap", key.Name));
                    if (overlay.Of<V1ConfigMap>().SingleOrDefault(one => one.Metadata.Name == key.Name)?.Data.ContainsKey(key.Key) != true)
                        yield return $"{workload}/{container.Name}: {key.Name} has no {key.Key}";
                }

                if (from.SecretKeyRef is { } secret)
                    names.Add(("Secret", secret.Name));
            }
        }

        foreach (var (kind, name) in names.Distinct())
        {
            if (!Has(overlay, kind, name) && !(kind == "Secret" && OutsideSecrets.Contains(name)))
                yield return $"{workload}: no {kind} {name}";
        }
    }

    private static IEnumerable<string> ServiceFaults(Overlay overlay, V1Service service)
    {
        var targets = overlay.Workloads.Where(one => service.Spec.Selector.All(pair =>
            one.Pods!.Metadata.Labels.TryGetValue(pair.Key, out var value) && value == pair.Value)).ToList();
        if (targets.Count != 1)
        {
            yield return $"the service {service.Metadata.Name} selects {targets.Count} workloads";
            yield break;
        }

        foreach (var port in service.Spec.Ports)
        {
            var target = targets[0].Pods!.Spec.Containers.SelectMany(one => one.Ports ?? [])
                .SingleOrDefault(one => one.Name == port.TargetPort.Value);
            if (target is null || target.ContainerPort != port.Port)
                yield return $"the service {service.Metadata.Name}: no container port {port.TargetPort.Value} {port.Port}";
        }
    }

    private static IEnumerable<string> CustomFaults(Overlay overlay, KubernetesObject one)
    {
        switch (one.Kind)
        {
            case "ScaledObject" when !Has(overlay, "Deployment", one.At("spec", "scaleTargetRef", "name")!):
                yield return $"{one}: its target is not there";
                break;
            case "InferencePool":
                var (name, number) = (one.At("spec", "endpointPickerRef", "name")!, one.At("spec", "endpointPickerRef", "port", "number")!);
                if (!HasPort(overlay, name, number))
                    yield return $"{one}: its picker is not there";
                break;
            case "HTTPRoute" or "GRPCRoute":
                foreach (var parent in (YamlSequenceNode)one.Root["spec"]["parentRefs"])
                {
                    if (!Has(overlay, "Gateway", (string)parent["name"]!))
                        yield return $"{one}: no Gateway {parent["name"]}";
                }

                var rules = (YamlSequenceNode)one.Root["spec"]["rules"];
                foreach (var backend in rules.SelectMany(rule => (YamlSequenceNode)rule["backendRefs"]).Cast<YamlMappingNode>())
                {
                    var kind = backend.Children.TryGetValue(new YamlScalarNode("kind"), out var other) ? (string)other! : "Service";
                    if (kind == "Service" ? !HasPort(overlay, (string)backend["name"]!, (string)backend["port"]!)
                        : !Has(overlay, kind, (string)backend["name"]!))
                        yield return $"{one}: no {kind} {backend["name"]}, or not with that port";
                }

                break;
        }
    }
}

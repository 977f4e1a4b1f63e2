using k8s.Models;
using YamlDotNet.RepresentationModel;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>One object of an overlay, as <c>kubectl kustomize</c> writes it.</summary>
/// <param name="Text">Its YAML.</param>
/// <param name="Root">The same, parsed.</param>
internal sealed record KubernetesObject(string Text, YamlMappingNode Root)
{
    public string ApiVersion => At("apiVersion")!;

    public string Kind => At("kind")!;

    public string Name => At("metadata", "name")!;

    public string? Namespace => At("metadata", "namespace");

    /// <summary>The typed model of a built-in kind; null of a custom resource.</summary>
    public object? Model { get; init; }

    /// <summary>The template of its pods; null where it has none.</summary>
    public V1PodTemplateSpec? Pods => Model switch
    {
        V1Deployment deployment => deployment.Spec.Template,
        V1Job job => job.Spec.Template,
        _ => null,
    };

    /// <summary>A scalar by its path; null where there is none.</summary>
    public string? At(params string[] path)
    {
        YamlNode node = Root;
        foreach (var key in path)
        {
            if (node is not YamlMappingNode mapping || !mapping.Children.TryGetValue(new YamlScalarNode(key), out var next))
                return null;
            node = next;
        }

        return (node as YamlScalarNode)?.Value;
    }

    public override string ToString() => $"{Kind} {Name}";
}

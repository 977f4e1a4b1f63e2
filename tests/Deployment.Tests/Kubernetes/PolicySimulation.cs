using System.Net;
using k8s.Models;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>
/// Who may talk to whom: the network policies of an overlay evaluated as a network plug-in would. A connection needs the leave of both
/// ends; an end that no policy selects for a direction gives it to everybody.
/// </summary>
internal sealed class PolicySimulation(IEnumerable<V1NetworkPolicy> policies)
{
    private readonly List<V1NetworkPolicy> _policies = [.. policies];

    /// <summary>Whether a connection is let through.</summary>
    /// <param name="source">Who opens it.</param>
    /// <param name="target">To whom.</param>
    /// <param name="port">To which port.</param>
    /// <param name="protocol">TCP or UDP.</param>
    public bool Allows(Peer source, Peer target, int port, string protocol = "TCP")
    {
        var egress = Selecting(source, "Egress");
        var ingress = Selecting(target, "Ingress");
        return (egress.Count == 0 || egress.SelectMany(policy => policy.Spec.Egress ?? [])
                .Any(rule => TakesPeer(rule.To, target) && TakesPort(rule.Ports, target, port, protocol)))
            && (ingress.Count == 0 || ingress.SelectMany(policy => policy.Spec.Ingress ?? [])
                .Any(rule => TakesPeer(rule.FromProperty, source) && TakesPort(rule.Ports, target, port, protocol)));
    }

    private List<V1NetworkPolicy> Selecting(Peer peer, string direction) =>
    [
        .. _policies.Where(policy => peer.Namespace == policy.Metadata.NamespaceProperty && policy.Spec.PolicyTypes.Contains(direction)
            && References.Matches(policy.Spec.PodSelector, peer.Labels)),
    ];

    private static bool TakesPeer(IList<V1NetworkPolicyPeer>? peers, Peer other) => peers is null or { Count: 0 } || peers.Any(peer =>
    {
        if (peer.IpBlock is { } block)
        {
            return other.Namespace is null && IPNetwork.Parse(block.Cidr).Contains(other.Address)
                && !(block.Except ?? []).Any(except => IPNetwork.Parse(except).Contains(other.Address));
        }

        var inNamespace = peer.NamespaceSelector is { } selector
            ? other.Namespace is not null && References.Matches(selector, other.NamespaceLabels)
            : other.Namespace == "parley";
        return inNamespace && (peer.PodSelector is null || References.Matches(peer.PodSelector, other.Labels));
    });

    private static bool TakesPort(IList<V1NetworkPolicyPort>? ports, Peer target, int port, string protocol) =>
        ports is null or { Count: 0 } || ports.Any(one => (one.Protocol ?? "TCP") == protocol
            && (int.TryParse(one.Port.Value, out var number) ? number == port : target.Ports.GetValueOrDefault(one.Port.Value) == port));
}

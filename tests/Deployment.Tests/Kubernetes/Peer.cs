using System.Net;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>One end of a connection: a pod, or an address outside of the cluster.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Namespace">A pod's namespace; null outside.</param>
/// <param name="Labels">A pod's labels.</param>
/// <param name="Ports">A pod's named ports.</param>
/// <param name="Address">An outsider's address.</param>
internal sealed record Peer(
    string Name, string? Namespace, IDictionary<string, string> Labels, IReadOnlyDictionary<string, int> Ports, IPAddress Address)
{
    /// <summary>Every namespace has its name as a label.</summary>
    public IDictionary<string, string> NamespaceLabels => new Dictionary<string, string> { ["kubernetes.io/metadata.name"] = Namespace! };

    public static Peer Pod(string name, string @namespace, params (string Key, string Value)[] labels) => new(
        name, @namespace, labels.ToDictionary(label => label.Key, label => label.Value), new Dictionary<string, int>(), IPAddress.None);

    public static Peer Outside(string name, string address) =>
        new(name, null, new Dictionary<string, string>(), new Dictionary<string, int>(), IPAddress.Parse(address));
}

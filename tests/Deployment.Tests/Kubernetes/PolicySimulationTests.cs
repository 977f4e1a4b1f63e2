namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>The whole table of who may talk to whom, pair by pair and port by port.</summary>
public sealed class PolicySimulationTests
{
    private static readonly int[] Ports = [53, 443, 5080, 5081, 5082, 5083, 6443, 9002, 9464];

    private static readonly Peer[] Others =
    [
        Peer.Pod("monitoring", "monitoring", ("app.kubernetes.io/name", "prometheus")),
        Peer.Pod("stranger", "default", ("app", "anything")),
        Peer.Pod("dns", "kube-system", ("k8s-app", "kube-dns")),
        Peer.Outside("internet", "203.0.113.7"),
        Peer.Outside("internet-v6", "2001:db8::7"),
        Peer.Outside("api-server", "10.96.0.1"),
        Peer.Outside("metadata", "169.254.169.254"),
    ];

    /// <summary>source → target: ports. What is not here is refused.</summary>
    private const string Production = """
        api-server → gateway: 5080 5081
        dns → gateway: 5080 5081
        gateway → dns: 53
        gateway → gateway:
        gateway → generator: 5083
        gateway → tokenizer: 5082
        internet → gateway: 5080 5081
        internet-v6 → gateway: 5080 5081
        metadata → gateway: 5080 5081
        model-import → dns: 53
        model-import → internet: 443
        model-import → internet-v6: 443
        monitoring → gateway: 5080 5081 9464
        monitoring → generator: 9464
        monitoring → tokenizer: 9464
        stranger → gateway: 5080 5081
        """;

    /// <summary>What the picker adds.</summary>
    private const string Picker = """
        api-server → picker: 9002
        dns → picker: 9002
        internet → picker: 9002
        internet-v6 → picker: 9002
        metadata → picker: 9002
        monitoring → picker: 9002
        picker → api-server: 443 6443
        picker → dns: 53 443 6443
        picker → gateway: 9464
        picker → internet: 443 6443
        picker → internet-v6: 443 6443
        picker → metadata: 443 6443
        picker → monitoring: 443 6443
        picker → stranger: 443 6443
        stranger → picker: 9002
        """;

    [Fact]
    public async Task Production_AllPairs_AreThoseOfTheTable() => Assert.Equal(Lines(Production), await TableAsync("production"));

    [Fact]
    public async Task ProductionBehindThePicker_AllPairs_AreThoseOfBothTables() =>
        Assert.Equal(Lines(Production + "\n" + Picker), await TableAsync("all-on-cpu"));

    [Fact]
    public async Task GatewayApiAlone_CallersAndServices_AreNotShutOut()
    {
        var table = await TableAsync("gateway-api");
        Assert.Contains(table, line => line.StartsWith("gateway → generator:", StringComparison.Ordinal) && line.Contains("5083"));
        Assert.Contains(table, line => line.StartsWith("gateway → tokenizer:", StringComparison.Ordinal) && line.Contains("5082"));
        Assert.Contains("stranger → gateway: 5080 5081", table);
        Assert.Contains("picker → gateway: 9464", table);
    }

    private static List<string> Lines(string table) =>
        [.. table.Split('\n').Where(line => !line.EndsWith(':')).Order(StringComparer.Ordinal)];

    private static async Task<List<string>> TableAsync(string name)
    {
        var overlay = await Overlay.GetAsync(name);
        var simulation = new PolicySimulation(overlay.Of<k8s.Models.V1NetworkPolicy>());
        var pods = overlay.Workloads.Select(one => new Peer(
            one.Pods!.Metadata.Labels["app.kubernetes.io/name"], "parley", one.Pods.Metadata.Labels,
            one.Pods.Spec.Containers.SelectMany(container => container.Ports ?? [])
                .ToDictionary(port => port.Name, port => port.ContainerPort),
            System.Net.IPAddress.None)).ToList();
        var peers = pods.Concat(Others).ToList();
        var lines = new List<string>();
        foreach (var source in peers)
        {
            foreach (var target in peers.Where(target => target != source && (pods.Contains(source) || pods.Contains(target))))
            {
                var open = Ports.Where(port => simulation.Allows(source, target, port, port == 53 ? "UDP" : "TCP")).ToList();
                if (open.Count > 0)
                    lines.Add($"{source.Name} → {target.Name}: {string.Join(' ', open)}");
            }
        }

        return [.. lines.Order(StringComparer.Ordinal)];
    }
}

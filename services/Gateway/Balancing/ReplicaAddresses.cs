using System.Globalization;

namespace Parley.Gateway.Balancing;

/// <summary>
/// Where the replicas of a service are: addresses after commas, or <c>dns:///name:port</c>, whose every address is a replica, as with a
/// headless service of Kubernetes.
/// </summary>
/// <param name="Fixed">Replicas named one by one.</param>
/// <param name="Host">The name that is looked up again and again; null where there is none.</param>
/// <param name="Port">Its port.</param>
internal sealed record ReplicaAddresses(IReadOnlyList<Uri> Fixed, string? Host, int Port)
{
    /// <summary>Most replicas of a service.</summary>
    public const int CountMax = 256;

    private const string DnsScheme = "dns";

    /// <summary>How the setting is written.</summary>
    public const string Form =
        "must be an absolute http or https address, e.g. http://127.0.0.1:5082, several of them after commas, or dns:///name:port";

    /// <summary>Reads the setting; null where it is not written so.</summary>
    public static ReplicaAddresses? Read(string text)
    {
        var parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length is 0 or > CountMax)
            return null;
        var addresses = new List<Uri>();
        foreach (var part in parts)
        {
            if (!Uri.TryCreate(part, UriKind.Absolute, out var address))
                return null;
            if (address.Scheme == DnsScheme)
                return parts.Length == 1 ? ReadName(address) : null;
            if (address.Scheme is not ("http" or "https"))
                return null;
            if (!addresses.Contains(address))
                addresses.Add(address);
        }

        return new ReplicaAddresses(addresses, null, 0);
    }

    /// <summary>
    /// dns:///name:port, as gRPC writes it; an authority before the name would be a name server, which is the system's matter.
    /// </summary>
    private static ReplicaAddresses? ReadName(Uri address)
    {
        var target = address.AbsolutePath.TrimStart('/');
        var colon = target.LastIndexOf(':');
        if (address.Host.Length > 0 || colon <= 0
            || !int.TryParse(target[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65_535
            || Uri.CheckHostName(target[..colon]) != UriHostNameType.Dns)
            return null;
        return new ReplicaAddresses([], target[..colon], port);
    }
}

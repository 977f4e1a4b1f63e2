namespace Parley.Client;

/// <summary>Where a server is: one place, or several that take turns.</summary>
internal static class ServerAddress
{
    public const string Dns = "dns";
    public const string Static = "static";

    /// <summary>Why a text is no address; null for one that is.</summary>
    public static string? FaultOf(string? address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri))
            return $"'{address}' is no address; give e.g. http://127.0.0.1:5081 or dns:///parley:5081.";
        return uri.Scheme switch
        {
            "http" or "https" => uri is { AbsolutePath: "/", Query: "", UserInfo: "" }
                ? null : $"'{address}' has more than scheme, host and port.",
            Dns => uri.AbsolutePath.TrimStart('/').Length > 0 ? null : $"'{address}' names no host; give e.g. dns:///parley:5081.",
            Static => HostsOf(uri) is { Count: > 0 } hosts && hosts.All(host => host.Port > 0)
                ? null : $"'{address}' must name a host and a port each; give e.g. static:///10.0.0.1:5081,10.0.0.2:5081.",
            _ => $"'{address}' has none of the schemes http, https, dns and static.",
        };
    }

    /// <summary>Whether requests go to several places in turn.</summary>
    public static bool IsBalanced(Uri address) => address.Scheme is Dns or Static;

    /// <summary>The places of a static address; a port of 0 stands for none that can be read.</summary>
    public static IReadOnlyList<(string Host, int Port)> HostsOf(Uri address) =>
        [.. Uri.UnescapeDataString(address.AbsolutePath).TrimStart('/')
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(place => Uri.TryCreate($"tcp://{place}", UriKind.Absolute, out var one) && one.Port > 0
                ? (one.Host, one.Port) : (place, 0))];
}

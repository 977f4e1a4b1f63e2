using System.Globalization;
using System.Net;

namespace Parley.Cli.Hosting;

/// <summary>Where a running system can be reached and by whom, as <c>parley up</c> says it.</summary>
internal static class ListenReport
{
    public static string Addresses(IReadOnlyList<IPAddress> addresses, int port)
    {
        var listed = string.Join(", ", addresses.Select(address => address.ToString()));
        if (addresses.All(IPAddress.IsLoopback))
            return $"{listed}: this machine alone (--host widens it)";
        var isAny = addresses.Any(address => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        var example = string.Create(CultureInfo.InvariantCulture, $"http://{Dns.GetHostName()}:{port}/");
        return isAny ? $"{listed}: every address of this machine, e.g. {example}" : listed;
    }

    public static string Key(bool isNeeded, IReadOnlyList<IPAddress> addresses) =>
        isNeeded ? "needed: clients send 'Authorization: Bearer KEY', OpenAI's take it as api_key"
        : addresses.All(IPAddress.IsLoopback) ? "none"
        : "none: whoever reaches it may use the model";
}

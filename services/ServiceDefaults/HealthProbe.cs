using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;

namespace Parley.ServiceDefaults;

/// <summary>
/// The program as its own health check: asks the service that runs with the same settings on this machine. For container engines, whose
/// check is a command within an image that has no shell and no curl.
/// </summary>
internal static class HealthProbe
{
    public const string ReadySwitch = "--check-health";
    public const string LiveSwitch = "--check-live";

    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    /// <summary>The path that a command line asks for; null where it starts the service.</summary>
    public static string? PathOf(IReadOnlyCollection<string> args) =>
        args.Contains(ReadySwitch) ? HealthSetup.ReadyPath : args.Contains(LiveSwitch) ? HealthSetup.LivePath : null;

    /// <summary>Asks; returns 0 where the answer is good, else 1, and writes the answer.</summary>
    /// <param name="configuration">The service's settings, endpoints completed.</param>
    /// <param name="path">What to ask for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidDataException">No endpoint can be asked.</exception>
    public static async Task<int> RunAsync(IConfiguration configuration, string path, CancellationToken cancellationToken)
    {
        var (address, protocols) = Endpoint(configuration);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = AnswerTimeMax });
        client.Timeout = AnswerTimeMax;
        client.DefaultRequestVersion = protocols == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        try
        {
            using var answer = await client.GetAsync(new Uri(address, path), cancellationToken);
            var text = await answer.Content.ReadAsStringAsync(cancellationToken);
            await (answer.IsSuccessStatusCode ? Console.Out : Console.Error).WriteLineAsync(text);
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception exception) when (exception is HttpRequestException
            || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            await Console.Error.WriteLineAsync($"error: {address} does not answer: {exception.Message}");
            return 1;
        }
    }

    /// <summary>The first endpoint that can be asked, as this machine reaches it.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    internal static (Uri Address, HttpProtocols Protocols) Endpoint(IConfiguration configuration)
    {
        foreach (var section in configuration.GetSection(ServiceHost.EndpointsKey).GetChildren())
        {
            if (section["Url"] is not { } url || BindingAddress.Parse(url) is not { IsUnixPipe: false, IsNamedPipe: false } parsed
                || parsed.Scheme != Uri.UriSchemeHttp)
                continue;
            var isLiteral = IPAddress.TryParse(parsed.Host, out var address);
            var host = !isLiteral && (parsed.Host is "*" or "+") || IPAddress.Any.Equals(address) ? "127.0.0.1"
                : IPAddress.IPv6Any.Equals(address) ? "[::1]" : parsed.Host;
            return (new Uri($"http://{host}:{parsed.Port}"),
                Enum.TryParse<HttpProtocols>(section["Protocols"], ignoreCase: true, out var protocols) ? protocols : HttpProtocols.Http1);
        }

        throw new InvalidDataException(
            $"{ReadySwitch}: no endpoint of {ServiceHost.EndpointsKey} speaks HTTP without TLS over TCP; ask the service from outside.");
    }
}

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Options;
using Parley.ServiceDefaults.Settings;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.ServiceDefaults;

/// <summary>
/// A service as a program of its own: its settings lie beside it, wherever it is started from, and its ports speak what they are for
/// whether or not a settings file is found. Where it listens is <c>Kestrel:Endpoints</c>, with <c>--host</c> for all of them. It runs under
/// systemd (<c>Type=notify</c>) and as a Windows service; with <c>--check-health</c> or <c>--check-live</c> it asks the one that runs.
/// </summary>
public static class ServiceHost
{
    public const string HostSwitch = "--host";
    public const string MetricsPortSwitch = "--metrics-port";
    private const string MetricsPortKey = $"{TelemetryOptions.Section}:{nameof(TelemetryOptions.MetricsPort)}";
    // Not "Host": some shells export a variable of that name, and variables are settings.
    private const string HostKey = "Parley:Host";
    private const string OwnSection = "Parley";
    internal const string EndpointsKey = "Kestrel:Endpoints";
    private const string DefaultProtocolsKey = "Kestrel:EndpointDefaults:Protocols";

    /// <summary>Runs the service until it is told to stop; returns the exit code of the process.</summary>
    /// <param name="name">Its name in telemetry, e.g. <c>parley-tokenizer</c>.</param>
    /// <param name="args">The command line: settings as <c>--Section:Key=value</c>, and the switches.</param>
    /// <param name="switches">Short forms of settings; one given several times is joined with commas, a flag takes no value.</param>
    /// <param name="endpoints">Where it listens when nothing else is configured, on loopback.</param>
    /// <param name="add">Registers the service.</param>
    /// <param name="map">Maps its endpoints.</param>
    public static async Task<int> RunAsync(
        string name, string[] args, IReadOnlyList<(string Switch, string Key, bool IsFlag)> switches,
        IReadOnlyList<(string Name, int Port, HttpProtocols Protocols)> endpoints,
        Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        ArgumentNullException.ThrowIfNull(add);
        ArgumentNullException.ThrowIfNull(map);
        try
        {
            var (others, settings) = ReadSwitches(
                args, [(HostSwitch, HostKey, false), (MetricsPortSwitch, MetricsPortKey, false), .. switches]);
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions
            {
                Args = others,
                ContentRootPath = AppContext.BaseDirectory,
            });
            builder.Configuration.AddInMemoryCollection(settings);
            if (SettingKeys.Faults(["Host", "ShutdownSeconds"], OwnSection, builder.Configuration).FirstOrDefault() is { } fault)
                throw new InvalidDataException(fault);
            builder.Configuration.AddInMemoryCollection(Endpoints(builder.Configuration, endpoints));
            if (HealthProbe.PathOf(args) is { } path)
                return await HealthProbe.RunAsync(builder.Configuration, path, CancellationToken.None);
            AddServiceManagers(builder, name);
            builder.AddServiceDefaults(name);
            var outcome = new ProcessOutcome();
            builder.Services.AddSingleton(outcome);
            add(builder);
            var app = builder.Build();
            app.MapServiceDefaults();
            map(app);
            await app.RunAsync();
            return outcome.ExitCode;
        }
        catch (Exception exception) when (exception is InvalidDataException or OptionsValidationException or IOException
            || IsUnreadableSetting(exception))
        {
            // Which file, field, setting or port is wrong; a crash would only bury it.
            var wayOut = exception.InnerException is AddressInUseException
                ? " Another is set with --Kestrel:Endpoints:NAME:Url=http://ADDRESS:PORT." : "";
            await Console.Error.WriteLineAsync($"error: {exception.Message}{wayOut}");
            return 1;
        }
    }

    /// <summary>systemd and Windows are told how the service fares, where one of them has started it; elsewhere nothing changes.</summary>
    private static void AddServiceManagers(WebApplicationBuilder builder, string name)
    {
        builder.Services.AddSystemd();
        builder.Services.AddWindowsService(options => options.ServiceName = name);
        if (SystemdHelpers.IsSystemdService() && Environment.GetEnvironmentVariable(SystemdWatchdog.Variable) is not null)
            builder.Services.AddSingleton<IHealthCheckPublisher, SystemdWatchdog>();
    }

    /// <summary>Whether a setting's text is none of its type; the message names both.</summary>
    public static bool IsUnreadableSetting(Exception exception) =>
        exception is InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" };

    /// <summary>The addresses to listen on: an address, or a name all of whose addresses here are meant.</summary>
    /// <param name="host">The address or name.</param>
    /// <param name="setting">What gave it, for messages. Default: <c>--host</c>.</param>
    /// <exception cref="InvalidDataException">It is neither, or none of this machine.</exception>
    public static IReadOnlyList<IPAddress> Addresses(string host, string setting = HostSwitch)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (IPAddress.TryParse(host, out var literal))
        {
            return CanListen(literal)
                ? [literal]
                : throw new InvalidDataException($"{setting}: {host} is no address of this machine; 0.0.0.0 is all that it has.");
        }

        if (Uri.CheckHostName(host) != UriHostNameType.Dns)
        {
            throw new InvalidDataException(
                $"{setting}: '{host}' is no address or name; give e.g. 127.0.0.1, 0.0.0.0, :: or localhost, without scheme and port.");
        }

        IPAddress[] found;
        try
        {
            found = Dns.GetHostAddresses(host);
        }
        catch (SocketException exception)
        {
            throw new InvalidDataException($"{setting}: the name '{host}' is not known ({exception.Message}).", exception);
        }

        IPAddress[] own = [.. found.Distinct().Where(CanListen)];
        return own.Length > 0 ? own : throw new InvalidDataException(
            $"{setting}: '{host}' is {string.Join(", ", found.Select(address => address.ToString()))}, no address of this machine.");
    }

    /// <summary>Takes the switches out of a command line.</summary>
    /// <exception cref="InvalidDataException">One has no value.</exception>
    internal static (string[] Others, Dictionary<string, string?> Settings) ReadSwitches(
        string[] args, IReadOnlyList<(string Switch, string Key, bool IsFlag)> switches)
    {
        var others = new List<string>();
        var settings = new Dictionary<string, string?>();
        for (var i = 0; i < args.Length; i++)
        {
            var (name, value) = args[i].Split('=', 2) is [var left, var right] ? (left, right) : (args[i], null);
            if (switches.FirstOrDefault(one => one.Switch == name) is not { Switch: not null } found)
            {
                others.Add(args[i]);
                continue;
            }

            value ??= found.IsFlag ? "true" : i + 1 < args.Length ? args[++i] : "";
            if (value.Length == 0 || (!found.IsFlag && value.StartsWith("--", StringComparison.Ordinal)))
                throw new InvalidDataException($"{name} needs a value.");
            settings[found.Key] = settings.TryGetValue(found.Key, out var before) ? $"{before},{value}" : value;
        }

        return ([.. others], settings);
    }

    /// <summary>What completes <c>Kestrel:Endpoints</c>: defaults where nothing is said, and the addresses of <c>--host</c>.</summary>
    /// <exception cref="InvalidDataException">The host is none, or URLs are given beside it.</exception>
    internal static Dictionary<string, string?> Endpoints(
        IConfiguration configuration, IReadOnlyList<(string Name, int Port, HttpProtocols Protocols)> defaults)
    {
        var settings = new Dictionary<string, string?>();
        var host = configuration[HostKey];
        var configured = configuration.GetSection(EndpointsKey).GetChildren().ToList();
        if (configuration["urls"] is { Length: > 0 } urls && configured.Count == 0)
        {
            if (host is not null)
                throw new InvalidDataException($"{HostSwitch} {host} and the URLs {urls} both say where to listen; give one of them.");
            // A URL names no protocol, and Kestrel's choice without TLS is HTTP/1.
            if (configuration[DefaultProtocolsKey] is null && defaults.All(endpoint => endpoint.Protocols == HttpProtocols.Http2))
                settings[DefaultProtocolsKey] = nameof(HttpProtocols.Http2);
            return settings;
        }

        var addresses = host is null ? null : Addresses(host);
        foreach (var name in defaults.Select(one => one.Name).Union(configured.Select(one => one.Key), StringComparer.OrdinalIgnoreCase))
        {
            var section = configuration.GetSection(EndpointsKey).GetSection(name);
            var known = defaults.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            var url = section["Url"] ?? (known.Name is null ? null : $"http://127.0.0.1:{known.Port}");
            var protocols = section["Protocols"] ?? (known.Name is null ? null : known.Protocols.ToString());
            Complete(settings, section, url, protocols, addresses);
        }

        return settings;
    }

    private static void Complete(
        Dictionary<string, string?> settings, IConfigurationSection section, string? url, string? protocols,
        IReadOnlyList<IPAddress>? addresses)
    {
        string?[] urls = [url];
        if (url is not null && Parse(section.Path, url) is { IsUnixPipe: false, IsNamedPipe: false } parsed && addresses is not null)
            urls = [.. addresses.Select(address => $"{parsed.Scheme}://{new IPEndPoint(address, parsed.Port)}")];
        for (var i = 0; i < urls.Length; i++)
        {
            // An endpoint has one address; the others are endpoints like it, certificate and all.
            var path = i == 0 ? section.Path : $"{section.Path}-{i + 1}";
            foreach (var (key, value) in i == 0 ? [] : section.AsEnumerable(makePathsRelative: true).Where(pair => pair.Value is not null))
                settings[$"{path}:{key}"] = value;
            settings[$"{path}:Url"] = urls[i];
            if (protocols is not null)
                settings[$"{path}:Protocols"] = protocols;
        }
    }

    private static BindingAddress Parse(string endpoint, string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return address.Port <= IPEndPoint.MaxPort ? address : throw new FormatException($"There is no port {address.Port}.");
        }
        catch (FormatException exception)
        {
            throw new InvalidDataException($"{endpoint}:Url: '{url}' is none; give e.g. http://127.0.0.1:5080.", exception);
        }
    }

    private static bool CanListen(IPAddress address)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

using System.CommandLine;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Parley.Embedded.Hosting;
using Parley.Gateway;
using Parley.ServiceDefaults;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Cli.Hosting;

/// <summary>The options of <c>parley up</c> that say where it listens, under which name, and for whom.</summary>
internal sealed class ReachSelection
{
    private const string DefaultHost = "127.0.0.1";

    private readonly Option<string> _host = new(ServiceHost.HostSwitch)
    {
        Description = "Address or name to listen on: 0.0.0.0 and :: are every one of this machine. Beyond it, a key is needed.",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => DefaultHost,
    };

    private readonly Option<int> _httpPort = new("--http-port", "--port")
    {
        Description = "Port of page, OpenAI HTTP and gRPC-Web; 0 takes a free one.",
        DefaultValueFactory = _ => UpCommand.DefaultHttpPort,
    };

    private readonly Option<int> _grpcPort = new("--grpc-port")
    {
        Description = "Port of gRPC; 0 takes a free one.",
        DefaultValueFactory = _ => UpCommand.DefaultGrpcPort,
    };

    private readonly Option<int?> _metricsPort = new(ServiceHost.MetricsPortSwitch)
    {
        Description = "Port of Prometheus' page /metrics, on loopback unless Telemetry__MetricsHost widens it; 0 takes a free one.",
        HelpName = "PORT",
    };

    private readonly Option<string[]> _names = new("--name")
    {
        Description = "Name under which the model is served; further ones are accepted as 'model' too.",
        HelpName = "NAME",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly ApiKeyOption _key = new("Key that callers must send");

    private readonly Option<string?> _keyFile = new("--api-key-file")
    {
        Description = "File of further keys, one a line ('parley key new NAME' makes them) or JSON; read again when it changes.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _allowAnonymous = new("--allow-anonymous") { Description = "Listen beyond this machine without a key." };

    private readonly Option<string[]> _corsOrigins = new("--cors-origin")
    {
        Description = "Origins whose pages may call from a browser, e.g. https://chat.example.com; * is every one.",
        HelpName = "ORIGIN",
        AllowMultipleArgumentsPerToken = true,
    };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[]
        {
            _host, _httpPort, _grpcPort, _metricsPort, _names, _key.Option, _keyFile, _allowAnonymous, _corsOrigins,
        })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The options of the system, checked as far as that needs no model: an import takes minutes.</summary>
    /// <exception cref="UserErrorException">A port is taken, an option has no sense, or everyone could use the model.</exception>
    /// <exception cref="InvalidDataException">The host is none of this machine.</exception>
    public LocalSystemOptions Apply(LocalSystemOptions options, ParseResult result)
    {
        FreePort.RequireRange(result.GetValue(_httpPort), _httpPort.Name);
        FreePort.RequireRange(result.GetValue(_grpcPort), _grpcPort.Name);
        if (result.GetValue(_httpPort) is var port && port != 0 && port == result.GetValue(_grpcPort))
            throw new UserErrorException($"{_httpPort.Name} and {_grpcPort.Name} are both {port}; HTTP/1 and gRPC need a port each.");
        if (result.GetValue(_metricsPort) is { } metricsPort)
            FreePort.RequireRange(metricsPort, _metricsPort.Name);
        var addresses = ServiceHost.Addresses(result.GetRequiredValue(_host));
        var settings = Settings(result);
        // As HostedService composes them.
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddInMemoryCollection(settings).Build();
        foreach (var address in addresses)
        {
            if (GatewayRegistration.ListenFault(configuration, new IPEndPoint(address, result.GetValue(_httpPort))) is { } fault)
                throw new UserErrorException(fault);
        }

        FreePort.Require(addresses, result.GetValue(_httpPort), _httpPort.Name);
        FreePort.Require(addresses, result.GetValue(_grpcPort), _grpcPort.Name);
        return options with
        {
            Addresses = addresses,
            HttpPort = result.GetValue(_httpPort),
            GrpcPort = result.GetValue(_grpcPort),
            Settings = settings,
        };
    }

    private Dictionary<string, string?> Settings(ParseResult result)
    {
        var settings = new Dictionary<string, string?>();
        if (result.GetValue(_names) is { Length: > 0 } names)
        {
            var joined = string.Join(',', names);
            if (joined.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Length == 0)
                throw new UserErrorException($"{_names.Name} is empty; without it the model's own name is served.");
            foreach (var service in (string[])["Tokenizer", "Generator", "Gateway"])
                settings[$"{service}:ModelName"] = joined;
        }

        if (result.GetValue(_metricsPort) is { } metricsPort)
        {
            settings[$"{TelemetryOptions.Section}:{nameof(TelemetryOptions.MetricsPort)}"] =
                metricsPort.ToString(CultureInfo.InvariantCulture);
        }

        if (_key.Read(result) is { } key)
            settings["Gateway:ApiKey"] = key;
        if (result.GetValue(_keyFile) is { } file)
            settings["Gateway:ApiKeyFile"] = Path.GetFullPath(file);
        if (result.GetValue(_allowAnonymous))
            settings["Gateway:AllowAnonymous"] = "true";
        if (result.GetValue(_corsOrigins) is { Length: > 0 } origins)
            settings["Gateway:CorsOrigins"] = string.Join(',', origins);
        return settings;
    }
}

using System.CommandLine;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Parley.Cli.Hosting;
using Parley.Cli.Hub;
using Parley.Cli.Packages;
using Parley.Embedded.Hosting;
using Parley.ServiceDefaults;
using Spectre.Console;

namespace Parley.Cli.Chat;

/// <summary>A Gateway to talk to: one that runs already, else one hosted here for as long as the command lives.</summary>
internal sealed class GatewayConnection : IAsyncDisposable
{
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(2);
    private readonly GrpcChannel _channel;
    private readonly LocalSystem? _system;

    private GatewayConnection(Uri address, GrpcChannel channel, string? key, LocalSystem? system)
    {
        (Address, _channel, Key, _system) = (address, channel, key, system);
        Invoker = channel.Intercept(headers =>
        {
            if (key is not null)
                headers.Add("authorization", $"Bearer {key}");
            return headers;
        });
    }

    /// <summary>Where its gRPC answers.</summary>
    public Uri Address { get; }

    /// <summary>Sent with every call; null where none is known.</summary>
    public string? Key { get; }

    /// <summary>Calls it, with the key.</summary>
    public CallInvoker Invoker { get; }

    /// <summary>Joins the named Gateway; or the default one, if it serves and no model is named; or hosts one.</summary>
    /// <exception cref="UserErrorException">The named Gateway does not serve.</exception>
    public static async Task<GatewayConnection> OpenAsync(
        IAnsiConsole console, ModelSelection model, ParseResult result, Uri? gateway, string? key, CancellationToken cancellationToken)
    {
        if (gateway is not null || result.GetValue(model.Model) is null)
        {
            var address = gateway ?? new Uri($"http://127.0.0.1:{UpCommand.DefaultGrpcPort}");
            var channel = GrpcClientDefaults.CreateChannel(address);
            if (await ServesAsync(channel, cancellationToken))
            {
                console.MarkupLine($"[grey]Joined the Parley at {address.Authority}.[/]");
                return new GatewayConnection(address, channel, key, null);
            }

            channel.Dispose();
            if (gateway is not null)
            {
                throw new UserErrorException($"--gateway: nothing serves gRPC at {gateway}; 'parley up' starts one and prints its address, "
                    + $"whose port is {UpCommand.DefaultGrpcPort} by default and not the page's.");
            }
        }

        var system = await ModelProgress.RunAsync(console, TimeProvider.System, async view =>
        {
            var options = new LocalSystemOptions
            {
                PackageDirectory = await SelectedPackage.ResolveAsync(view, model, result, cancellationToken),
                Threads = result.GetValue(model.Threads),
                LogLevelMin = LogLevel.Warning,
                Settings = key is null ? [] : new Dictionary<string, string?> { ["Gateway:ApiKey"] = key },
            };
            return await UpCommand.StartAsync(view, options, cancellationToken);
        });
        return new GatewayConnection(system.Grpc, GrpcClientDefaults.CreateChannel(system.Grpc), key, system);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
    }

    private static async Task<bool> ServesAsync(GrpcChannel channel, CancellationToken cancellationToken)
    {
        try
        {
            var deadline = TimeProvider.System.GetUtcNow().UtcDateTime + ProbeTime;
            var reply = await new Health.HealthClient(channel)
                .CheckAsync(new HealthCheckRequest(), deadline: deadline, cancellationToken: cancellationToken);
            return reply.Status == HealthCheckResponse.Types.ServingStatus.Serving;
        }
        catch (RpcException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}

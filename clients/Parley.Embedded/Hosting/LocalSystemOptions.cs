using System.Net;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Parley.Embedded.Memory;
using Parley.ServiceDefaults;

namespace Parley.Embedded.Hosting;

/// <summary>How the three services are hosted in one process.</summary>
internal sealed record LocalSystemOptions
{
    /// <summary>The package to serve.</summary>
    public required string PackageDirectory { get; init; }

    /// <summary>
    /// Where they listen instead of on ports, as guests of a program that is no service: nothing of the environment is a setting then, and
    /// spans and metrics are left to that program. The Gateway has its gRPC alone. Null is ports.
    /// </summary>
    public MemoryNetwork? Memory { get; init; }

    /// <summary>Where the Gateway listens; the other two are on loopback always.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [IPAddress.Loopback];

    /// <summary>Port of page, OpenAI HTTP and gRPC-Web; 0 takes a free one.</summary>
    public int HttpPort { get; init; }

    /// <summary>Port of gRPC; 0 takes a free one.</summary>
    public int GrpcPort { get; init; }

    /// <summary>ONNX Runtime's threads; 0 leaves the choice to the Generator.</summary>
    public int Threads { get; init; }

    public LogLevel LogLevelMin { get; init; } = LogLevel.Warning;

    /// <summary>Further settings, e.g. <c>Generator:StepTokensMax</c>; they win over environment variables.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>Replaces the opening of the package by the Generator; for measurements.</summary>
    public Func<Generator.Engine.ServedModel>? OpenModel { get; init; }

    /// <summary>Further services of each host: what this program alone has, and tests that listen.</summary>
    public Action<IServiceCollection>? AddServices { get; init; }

    /// <summary>Receives what the services log; null writes to the console's error stream.</summary>
    public ILoggerProvider? LoggerProvider { get; init; }

    /// <summary>A channel to one of the services; the caller disposes it.</summary>
    public GrpcChannel CreateChannel(Uri address) =>
        Memory is { } memory ? GrpcClientDefaults.CreateChannel(address, memory.Configure) : GrpcClientDefaults.CreateChannel(address);
}

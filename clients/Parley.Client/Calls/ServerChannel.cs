using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Microsoft.Extensions.Logging;

namespace Parley.Client.Calls;

/// <summary>The connection to a server: long streams, many at once, dead peers noticed.</summary>
internal static class ServerChannel
{
    /// <summary>Opens nothing yet; the first call does.</summary>
    /// <exception cref="InvalidDataException">The file of authorities holds no certificate.</exception>
    public static GrpcChannel Create(ParleyClientOptions options, ILoggerFactory? loggers)
    {
        var address = new Uri(options.Address);
        var channel = new GrpcChannelOptions
        {
            HttpHandler = options.CreateHandler?.Invoke() ?? CreateHandler(options),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = options.MessageBytesMax,
            MaxSendMessageSize = options.MessageBytesMax,
            // A slow start of the server must not keep the channel in back-off for minutes.
            MaxReconnectBackoff = TimeSpan.FromSeconds(2),
            LoggerFactory = loggers,
        };
        if (ServerAddress.IsBalanced(address))
        {
            channel.Credentials = options.Tls ? ChannelCredentials.SecureSsl : ChannelCredentials.Insecure;
            channel.ServiceConfig = new ServiceConfig { LoadBalancingConfigs = { new RoundRobinConfig() } };
            channel.ServiceProvider = new AddressResolvers(address);
        }

        return GrpcChannel.ForAddress(address, channel);
    }

    private static SocketsHttpHandler CreateHandler(ParleyClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(60),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            ConnectTimeout = TimeSpan.FromSeconds(5),
        };
        if (options.CertificateAuthorityFile is { Length: > 0 } file)
            handler.SslOptions.CertificateChainPolicy = TrustOnly(file);
        options.ConfigureHandler?.Invoke(handler);
        return handler;
    }

    private static X509ChainPolicy TrustOnly(string file)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // An authority of one's own seldom has a list of what it took back.
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.ImportFromPemFile(file);
        return policy.CustomTrustStore.Count > 0
            ? policy : throw new InvalidDataException($"CertificateAuthorityFile: {file} holds no certificate in PEM.");
    }
}

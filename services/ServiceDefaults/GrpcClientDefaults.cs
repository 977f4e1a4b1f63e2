using Grpc.Net.Client;

namespace Parley.ServiceDefaults;

/// <summary>How one service calls another: long streams, many at once, dead peers noticed.</summary>
public static class GrpcClientDefaults
{
    private const int MessageBytesMax = 16 * 1024 * 1024;

    /// <summary>Makes a channel for an address such as <c>http://tokenizer:5082</c>; the caller disposes it.</summary>
    public static GrpcChannel CreateChannel(Uri address) => CreateChannel(address, _ => { });

    /// <summary>The same with a last word on how connections are made.</summary>
    public static GrpcChannel CreateChannel(Uri address, Action<SocketsHttpHandler> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        ArgumentNullException.ThrowIfNull(address);
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(60),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            ConnectTimeout = TimeSpan.FromSeconds(5),
        };
        configure(handler);
        return GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MessageBytesMax,
            MaxSendMessageSize = MessageBytesMax,
            // A slow start of the peer must not keep the channel in back-off for minutes.
            MaxReconnectBackoff = TimeSpan.FromSeconds(2),
        });
    }
}

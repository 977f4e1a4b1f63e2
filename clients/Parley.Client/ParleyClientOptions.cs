namespace Parley.Client;

/// <summary>Settings of a <see cref="ParleyChatClient"/>.</summary>
public sealed class ParleyClientOptions
{
    /// <value>
    /// Where the server's gRPC is: <c>http://HOST:PORT</c> or <c>https://HOST:PORT</c>; <c>dns:///HOST:PORT</c> for every address that the
    /// name has, or <c>static:///HOST:PORT,HOST:PORT</c> for those of the list, whose requests go to each in turn. Default
    /// <c>http://127.0.0.1:5081</c>, where <c>parley up</c> listens.
    /// </value>
    public string Address { get; set; } = "http://127.0.0.1:5081";

    /// <value>Whether a <c>dns:</c> or <c>static:</c> address speaks TLS; of others the scheme says it. Default false.</value>
    public bool Tls { get; set; }

    /// <value>
    /// PEM file of the authorities that may vouch for the server, in place of the machine's own. Default none: the machine's.
    /// </value>
    public string? CertificateAuthorityFile { get; set; }

    /// <value>Key, sent as <c>authorization: Bearer KEY</c>; printable ASCII without blanks. Default none.</value>
    public string? ApiKey { get; set; }

    /// <value>Model of requests that name none. Default none: the one that is served.</value>
    public string? ModelId { get; set; }

    /// <value>
    /// Time for a whole answer, all tries together; the server is told. Default 10 minutes, range above 0 to 24 hours, or
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> for no limit.
    /// </value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <value>When a request is tried again.</value>
    public ParleyRetryOptions Retry { get; set; } = new();

    /// <value>What happens to additional properties of unknown names. Default <see cref="UnknownProperties.Ignore"/>.</value>
    public UnknownProperties UnknownProperties { get; set; }

    /// <value>Largest message in either direction, in bytes. Default 16 MiB, range 1 KiB to 1 GiB.</value>
    public int MessageBytesMax { get; set; } = 16 * 1024 * 1024;

    /// <value>
    /// The last word on the client's own handler: a proxy, client certificates and, but for balanced addresses, how connections are made.
    /// Default none.
    /// </value>
    public Action<SocketsHttpHandler>? ConfigureHandler { get; set; }

    /// <value>
    /// Makes another handler in place of the client's own, for <c>http</c> and <c>https</c> addresses; the client disposes it. Default
    /// none.
    /// </value>
    public Func<HttpMessageHandler>? CreateHandler { get; set; }
}

namespace Parley.Gateway.Tests.Doubles;

/// <summary>Refuses the connection to a host that is said to be missing.</summary>
internal sealed class AbsentHandler(HashSet<string> missing, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        missing.Contains(request.RequestUri!.Host)
            ? throw new HttpRequestException(
                HttpRequestError.ConnectionError, "Connection refused", new System.Net.Sockets.SocketException(111))
            : base.SendAsync(request, cancellationToken);
}

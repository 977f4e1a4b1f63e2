using System.Net;

namespace Parley.Client.Tests.Doubles;

/// <summary>Answers every request with a status of HTTP, or with a connection that cannot be made.</summary>
internal sealed class AnswerHandler(HttpStatusCode? status) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        status is { } code
            ? Task.FromResult(new HttpResponseMessage(code) { Version = HttpVersion.Version20, RequestMessage = request })
            : throw new HttpRequestException(
                HttpRequestError.ConnectionError, "Connection refused", new System.Net.Sockets.SocketException(111));
}

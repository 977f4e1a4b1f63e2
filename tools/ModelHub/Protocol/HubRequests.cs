using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Parley.ModelHub.Protocol;

/// <summary>
/// Requests to the Hub: the token goes to its host alone, redirects are followed by hand, and what fails for now is tried again as the
/// server tells.
/// </summary>
/// <param name="http">Follows no redirects and decompresses nothing by itself.</param>
/// <param name="settings">Endpoint, token and patience.</param>
/// <param name="time">The clock of the waits.</param>
/// <param name="waiting">Told why and how long a request waits.</param>
internal sealed class HubRequests(HttpMessageInvoker http, HubSettings settings, TimeProvider time, Action<HubWait>? waiting = null)
{
    private const int RedirectsMax = 10;
    private static readonly ProductInfoHeaderValue UserAgent = new("parley", typeof(HubRequests).Assembly.GetName().Version?.ToString(3));

    /// <summary>Sends a request until it is answered for good; the caller disposes the answer, whose status is a success.</summary>
    /// <param name="address">The file's or route's address; learns where redirects led.</param>
    /// <param name="range">First and last byte; null is the whole.</param>
    /// <param name="accepted">Statuses beside 2xx that the caller deals with.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="HubException">It was refused, or failed at every try.</exception>
    public async Task<HttpResponseMessage> GetAsync(
        HubLocation address, (long First, long Last)? range, HttpStatusCode[] accepted, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            HubException failure;
            TimeSpan? told = null;
            try
            {
                var response = await FollowAsync(address, range, cancellationToken);
                if (response.IsSuccessStatusCode || accepted.Contains(response.StatusCode))
                    return response;
                using (response)
                {
                    // A signed address has run out: its origin gives a new one.
                    if (address.Current != address.Origin && response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized
                        or HttpStatusCode.NotFound or HttpStatusCode.Gone && attempt < settings.AttemptsMax)
                    {
                        address.Forget();
                        continue;
                    }

                    failure = HubRefusal.Read(response, settings);
                    if (!HubRefusal.MayPass(response.StatusCode))
                        throw failure;
                    told = RetryAfter(response);
                }
            }
            catch (HttpRequestException exception)
            {
                failure = Unreachable(address.Origin, exception);
            }
            catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                failure = Unreachable(address.Origin, exception);
            }

            await WaitAsync(failure, attempt, told, cancellationToken);
        }
    }

    /// <summary>Waits before the next try, or ends the tries.</summary>
    /// <exception cref="HubException">It was the last try, or the server asks for more patience than there is.</exception>
    public async Task WaitAsync(HubException failure, int attempt, TimeSpan? told, CancellationToken cancellationToken)
    {
        if (attempt >= settings.AttemptsMax)
            throw failure;
        if (told > settings.RetryDelayMax)
        {
            throw new HubException(HubFailure.RateLimited, string.Create(CultureInfo.InvariantCulture,
                $"{settings.Endpoint.Host} asks to come back in {told.Value.TotalSeconds:0} s; try again then."), failure);
        }

        var delay = told ?? settings.RetryDelay * Math.Pow(2, Math.Min(attempt - 1, 10));
        delay = delay < settings.RetryDelayMax ? delay : settings.RetryDelayMax;
        waiting?.Invoke(new HubWait(failure.Message, delay, attempt, settings.AttemptsMax));
        await Task.Delay(delay, time, cancellationToken);
    }

    private async Task<HttpResponseMessage> FollowAsync(
        HubLocation address, (long First, long Last)? range, CancellationToken cancellationToken)
    {
        var current = address.Current;
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendAsync(current, range, cancellationToken);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
            {
                if (response.IsSuccessStatusCode)
                    address.Learn(current);
                return response;
            }

            using (response)
            {
                var next = response.Headers.Location is { } location
                    ? new Uri(current, location)
                    : throw new HubException(HubFailure.Dishonest, $"{Name(current)} redirects without saying where to.");
                if (redirects == RedirectsMax)
                    throw new HubException(HubFailure.Dishonest, $"{Name(address.Origin)} redirects more than {RedirectsMax} times.");
                if (next.Scheme != Uri.UriSchemeHttps && (next.Scheme != Uri.UriSchemeHttp || current.Scheme == Uri.UriSchemeHttps))
                    throw new HubException(HubFailure.Dishonest, $"{Name(current)} redirects to '{next.Scheme}:', which is less safe.");
                current = next;
            }
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Uri uri, (long First, long Last)? range, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.UserAgent.Add(UserAgent);
        // A length is the file's own only without compression.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (range is var (first, last))
            request.Headers.Range = new RangeHeaderValue(first, last);
        if (settings.Token is { } token && IsOfEndpoint(uri))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var silence = new CancellationTokenSource(settings.SilenceMax, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        return await http.SendAsync(request, linked.Token);
    }

    private bool IsOfEndpoint(Uri uri) =>
        uri.Scheme == settings.Endpoint.Scheme && uri.Port == settings.Endpoint.Port
        && string.Equals(uri.Host, settings.Endpoint.Host, StringComparison.OrdinalIgnoreCase);

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (response.Headers.RetryAfter is { } header)
        {
            var told = header.Delta ?? header.Date - time.GetUtcNow();
            return told > TimeSpan.Zero ? told : null;
        }

        // RateLimit: "api";r=0;t=120 — the window's end in seconds.
        if (!response.Headers.TryGetValues("RateLimit", out var values))
            return null;
        var reset = values.SelectMany(value => value.Split(';')).Select(part => part.Trim())
            .FirstOrDefault(part => part.StartsWith("t=", StringComparison.Ordinal));
        return int.TryParse(reset.AsSpan(reset is null ? 0 : 2), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : null;
    }

    private static HubException Unreachable(Uri uri, Exception exception) => new(
        HubFailure.Unreachable,
        $"{Name(uri)} cannot be reached: {(exception as HttpRequestException)?.Message ?? "it did not answer in time"}", exception);

    private static string Name(Uri uri) => uri.GetLeftPart(UriPartial.Path);
}

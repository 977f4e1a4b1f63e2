using System.Net.Http.Headers;
using System.Text.Json;

namespace Parley.ModelHub;

/// <summary>What the Hub said when it was asked whose token it is; without a token it refuses, which shows that it is there.</summary>
/// <param name="Status">Status of its answer; null where it could not be reached.</param>
/// <param name="Account">Whose token it is; null where none was sent, or it is unknown.</param>
/// <param name="Skew">How far this machine's clock is ahead of the Hub's; null where it did not tell its time.</param>
/// <param name="Failure">Why it could not be reached.</param>
public sealed record HubAnswer(int? Status, string? Account, TimeSpan? Skew, string? Failure)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int BodyBytesMax = 1 << 20;

    /// <summary>Asks once; nothing is tried again, and no redirect is followed.</summary>
    public static async Task<HubAnswer> AskAsync(
        HubSettings settings, HttpMessageInvoker http, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(time);
        using var patience = new CancellationTokenSource(Patience, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{settings.Endpoint.AbsoluteUri.TrimEnd('/')}/api/whoami-v2");
            if (settings.Token is { } token)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var sent = time.GetUtcNow();
            using var response = await http.SendAsync(request, linked.Token);
            // The answer was written in the middle of the time that it took, and its date has no fractions.
            var middle = sent + ((time.GetUtcNow() - sent) / 2);
            var skew = response.Headers.Date is { } date ? middle - date.AddMilliseconds(500) : (TimeSpan?)null;
            var account = response.IsSuccessStatusCode ? await ReadNameAsync(response, linked.Token) : null;
            return new HubAnswer((int)response.StatusCode, account, skew, null);
        }
        catch (HttpRequestException exception)
        {
            return new HubAnswer(null, null, null, exception.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new HubAnswer(null, null, null, $"no answer within {Patience.TotalSeconds:0} s");
        }
    }

    private static async Task<string?> ReadNameAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await response.Content.LoadIntoBufferAsync(BodyBytesMax, cancellationToken);
        try
        {
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            return json.RootElement.TryGetProperty("name", out var name) ? name.GetString() : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}

using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Parley.Generator.V1;

namespace Parley.Cli.Chat;

/// <summary>
/// What sampling means on the Gateway that a chat goes to: its <c>/v1/models</c>, which the port of gRPC serves as well. Where the model
/// states no sampling it is greedy, which says the same again and again in a chat, so a chat takes what the Gateway gives to whoever asks
/// for several answers.
/// </summary>
internal static class ServedSampling
{
    private static readonly TimeSpan ReadTime = TimeSpan.FromSeconds(10);

    /// <summary>The first model of the list as the Gateway describes it; null where it cannot be read.</summary>
    /// <exception cref="UserErrorException">The Gateway wants a key, or another one.</exception>
    public static async Task<JsonElement?> ReadAsync(
        Uri gateway, string? key, HttpMessageHandler handler, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(handler) { BaseAddress = gateway, Timeout = ReadTime };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        try
        {
            using var response = await client.SendAsync(request, cancellationToken);
            if (response.StatusCode == HttpStatusCode.Unauthorized)
            {
                var needed = key is null ? "a key" : "another key";
                throw new UserErrorException($"The Gateway at {gateway.Authority} needs {needed}: --api-key KEY, or PARLEY_API_KEY.");
            }

            if (!response.IsSuccessStatusCode)
                return null;
            var list = JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            return list.TryGetProperty("data", out var models) && models.GetArrayLength() > 0 ? models[0] : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or InvalidOperationException)
        {
            // The chat itself will say what is wrong, if anything is.
            return null;
        }
    }

    /// <summary>Completes what was asked for, and says what applies; no words where the Gateway says nothing.</summary>
    public static (SamplingParameters Sampling, string? Words) Apply(SamplingParameters asked, JsonElement? model)
    {
        if (Number(model, "default_sampling", "temperature") is not { } stated)
            return (asked, null);
        var sampling = asked.Clone();
        var origin = "the model's own";
        var isAsked = asked.HasTemperature || asked.HasTopK || asked.HasTopP || asked.HasSeed;
        if (isAsked)
            origin = "as asked";
        if (stated == 0 && !asked.HasTemperature)
        {
            sampling.Temperature = Number(model, "varied_sampling", "temperature") ?? 1;
            if (!isAsked)
                origin = "the model states none; --temperature 0 is greedy";
        }

        var temperature = sampling.HasTemperature ? sampling.Temperature : stated;
        var words = temperature == 0 ? "greedy" : string.Create(CultureInfo.InvariantCulture, $"temperature {temperature}")
            + Word("top_k", asked.HasTopK ? asked.TopK : Number(model, "default_sampling", "top_k"), off: 0)
            + Word("top_p", asked.HasTopP ? asked.TopP : Number(model, "default_sampling", "top_p"), off: 1);
        return (sampling, $"sampling: {words} ({origin})");
    }

    private static string Word(string name, float? value, float off) =>
        value is { } number && number != off ? string.Create(CultureInfo.InvariantCulture, $", {name} {number}") : "";

    private static float? Number(JsonElement? model, string group, string name) =>
        model is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty(group, out var settings)
        && settings.ValueKind == JsonValueKind.Object && settings.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number ? value.GetSingle() : null;
}

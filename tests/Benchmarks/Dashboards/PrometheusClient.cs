using System.Globalization;
using System.Text.Json;

namespace Parley.Benchmarks.Dashboards;

/// <summary>Asks a Prometheus for a range of time, by its HTTP API.</summary>
internal sealed class PrometheusClient(Uri address, DateTimeOffset end, TimeSpan length) : IDisposable
{
    public const double StepSeconds = 2;

    private readonly HttpClient _http = new() { BaseAddress = address };

    /// <summary>Bounds of the time in Unix seconds, whole steps.</summary>
    public double End { get; } = Math.Floor(end.ToUnixTimeSeconds() / StepSeconds) * StepSeconds;

    public double Start => End - length.TotalSeconds;

    /// <exception cref="HttpRequestException">Prometheus cannot be reached, or does not take the query.</exception>
    public async Task<IReadOnlyList<Series>> QueryAsync(string query)
    {
        var path = string.Create(
            CultureInfo.InvariantCulture,
            $"/api/v1/query_range?start={Start}&end={End}&step={StepSeconds}&query={Uri.EscapeDataString(query)}");
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative));
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException($"Prometheus answers {(int)response.StatusCode} to {query}: {text}");
        using var answer = JsonDocument.Parse(text);
        return [.. answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(ReadSeries)
            .Where(series => series.Points.Count > 0)];
    }

    public void Dispose() => _http.Dispose();

    private static Series ReadSeries(JsonElement json) => new(
        json.GetProperty("metric").EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!),
        [.. json.GetProperty("values").EnumerateArray().Select(point => (point[0].GetDouble(), ReadValue(point[1].GetString()!)))
            .Where(point => double.IsFinite(point.Item2))]);

    // Prometheus writes infinities with a sign, which .NET does not read.
    private static double ReadValue(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;
}

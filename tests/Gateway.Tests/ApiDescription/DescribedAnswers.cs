using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>Asks a Gateway and holds each answer against the document; what is wrong is gathered.</summary>
internal sealed class DescribedAnswers(HttpClient http, DescribedApi api, IReadOnlyCollection<string> commonHeaders)
{
    private readonly List<string> _faults = [];
    private readonly HashSet<string> _asked = [];

    /// <summary>Objects that were validated.</summary>
    public int Objects { get; private set; }

    public Task<string> PostAsync(string path, string body, int status) => AskAsync("POST", path, status, body, []);

    public Task<string> SendAsync(string method, string path, int status, params (string Name, string? Value)[] parameters) =>
        AskAsync(method, path, status, null, parameters);

    public void AssertNoFaults() => Assert.True(_faults.Count == 0, string.Join('\n', _faults.Distinct().Take(40)));

    public void AssertEverythingWasAsked(params string[] except) =>
        Assert.Equal([], api.Operations().Select(one => $"{one.Method} {one.Path}").Except(_asked).Except(except));

    private async Task<string> AskAsync(string method, string path, int status, string? body, (string Name, string? Value)[] parameters)
    {
        var address = path;
        foreach (var (name, value) in parameters)
            address = address.Replace($"{{{name}}}", value, StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(method), address);
        foreach (var (name, value) in parameters)
        {
            if (value is not null && !path.Contains($"{{{name}}}", StringComparison.Ordinal))
                request.Headers.Add(name, value);
        }

        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        _asked.Add($"{method} {path}");
        var place = $"{method} {path} {body}";
        if ((int)response.StatusCode != status)
            _faults.Add($"{place}: {(int)response.StatusCode}, not {status}: {text}");
        else if (Described(method, path, status) is { } described)
            Check(place, described, response, method == "HEAD" ? "" : text);
        else
            _faults.Add($"{place}: the status {status} is not described");
        return text;
    }

    private JsonNode? Described(string method, string path, int status) => Resolve(api.Operation(method, path)["responses"]![$"{status}"]);

    private JsonNode? Resolve(JsonNode? node) => (string?)node?["$ref"] is { } reference
        ? reference.Split('/').Skip(1).Aggregate((JsonNode?)api.Document, (at, name) => at?[name]) : node;

    private void Check(string place, JsonNode described, HttpResponseMessage response, string text)
    {
        var headers = described["headers"]!.AsObject().Select(header => header.Key).Concat(commonHeaders);
        var others = response.Headers.Concat(response.Content.Headers).Select(header => header.Key)
            .Except(headers, StringComparer.OrdinalIgnoreCase).ToList();
        if (others.Count > 0)
            _faults.Add($"{place}: headers that are not described: {string.Join(", ", others)}");
        if (text.Length == 0)
            return;
        var type = response.Content.Headers.ContentType?.MediaType ?? "";
        // The page tells programs in a line that it is there.
        if (described["content"]![type] is not { } media)
            _faults.Add($"{place}: the media type {type} is not described");
        else if (media["x-item-schema"] is { } item)
            CheckStream(place, item, type, text);
        else if (type == "application/json")
            CheckObject(place, media["schema"]!, text);
    }

    private void CheckStream(string place, JsonNode item, string type, string text)
    {
        var isEvents = type == "text/event-stream";
        var parts = text.Split('\n').Where(line => isEvents ? line.StartsWith("data: ", StringComparison.Ordinal) : line.Length > 0)
            .Select(line => isEvents ? line["data: ".Length..] : line).Where(part => part != "[DONE]").ToList();
        if (parts.Count == 0)
            _faults.Add($"{place}: an empty stream");
        foreach (var part in parts)
            CheckObject(place, item, part);
    }

    private void CheckObject(string place, JsonNode schema, string text)
    {
        Objects++;
        var value = JsonElement.Parse(text);
        var components = (schema["anyOf"] as JsonArray ?? [schema.DeepClone()])
            .Select(one => ((string?)one!["$ref"])?.Split('/')[^1]).OfType<string>();
        var faults = components.Select(component => api.FaultsOf(component, value, isClosed: true)).ToList();
        if (faults.Count > 0 && !faults.Contains(""))
            _faults.Add($"{place}: {string.Join(" / ", faults)}: {(text.Length > 400 ? text[..400] : text)}");
    }
}

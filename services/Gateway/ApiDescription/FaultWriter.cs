using System.Text.Json.Nodes;

namespace Parley.Gateway.ApiDescription;

/// <summary>Errors of routes: one component for each protocol and status, which the routes refer to.</summary>
internal static class FaultWriter
{
    public static JsonObject Of(Operation operation, int status) =>
        new() { ["$ref"] = $"#/components/responses/{NameOf(operation.Protocol, status)}" };

    public static JsonObject Components(IEnumerable<Operation> operations)
    {
        var components = new JsonObject();
        var faults = operations.SelectMany(operation => operation.Faults.Select(status => (operation.Protocol, status)));
        foreach (var (protocol, status) in faults.Distinct().Order())
        {
            components[NameOf(protocol, status)] = new JsonObject
            {
                ["description"] = protocol == Protocol.None ? "It is not so; `reason` says why." : Faults.TextOf(status),
                ["headers"] = Headers(HeadersOf(protocol, status)),
                ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = SchemaOf(protocol) } },
            };
        }

        return components;
    }

    public static JsonObject Headers(IEnumerable<string> names) => new(names.Select(name => KeyValuePair.Create<string, JsonNode?>(
        name, new JsonObject { ["$ref"] = $"#/components/headers/{name}" })));

    private static string NameOf(Protocol protocol, int status) => $"{protocol}{status}";

    private static JsonObject SchemaOf(Protocol protocol) =>
        Shape.Ref(protocol == Protocol.None ? "Health" : $"{protocol}Error");

    private static IEnumerable<string> HeadersOf(Protocol protocol, int status)
    {
        if (protocol == Protocol.None)
            yield break;
        yield return HeaderNames.RequestId;
        foreach (var name in protocol == Protocol.Anthropic ? HeaderNames.OfAnthropic : [])
            yield return name;
        foreach (var name in status is 401 ? [] : Access.RateHeaders.Names)
            yield return name;
        if (status is 429 or 503 or 529)
            yield return HeaderNames.RetryAfter;
        if (status is 401 or 403)
            yield return HeaderNames.Challenge;
        if (status is 400 or 404)
            yield return HeaderNames.Ignored;
    }
}

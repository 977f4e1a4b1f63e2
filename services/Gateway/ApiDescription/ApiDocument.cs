using System.Text.Json.Nodes;

namespace Parley.Gateway.ApiDescription;

/// <summary>The Gateway's HTTP as an OpenAPI 3.1 document, with the limits of the settings that it runs by.</summary>
internal static class ApiDocument
{
    private const string Introduction =
        "Chats with one model over the APIs of OpenAI, Anthropic and Ollama. A field of a request that is null is as good as none, and "
        + "so are an empty text, array or object where the field takes others. HEAD answers as GET does. gRPC and gRPC-Web have a "
        + "description of their own: server reflection (`parley.gateway.v1.ChatCompletion`).";

    private const string OpenTo = "It asks for no key.";

    /// <summary>Every route with each of its methods.</summary>
    public static IReadOnlyList<Operation> Operations { get; } =
        [.. OpenAiOperations.All, .. AnthropicOperations.All, .. OllamaOperations.All, .. ServerOperations.All];

    public static JsonObject Write(GatewayOptions options) => new()
    {
        ["openapi"] = "3.1.0",
        ["info"] = new JsonObject
        {
            ["title"] = "Parley",
            ["version"] = typeof(ApiDocument).Assembly.GetName().Version!.ToString(3),
            ["description"] = $"{Introduction} {UnknownText(options.UnknownFields)}",
            ["license"] = new JsonObject { ["name"] = "Apache-2.0", ["identifier"] = "Apache-2.0" },
        },
        ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
        // Where keys are set; both schemes are worth the same.
        ["security"] = new JsonArray(
            new JsonObject { ["bearer"] = new JsonArray() }, new JsonObject { ["apiKey"] = new JsonArray() }, new JsonObject()),
        ["tags"] = new JsonArray([.. Operations.Select(operation => operation.Tag).Distinct()
            .Select(tag => (JsonNode)new JsonObject { ["name"] = tag, ["description"] = TagText(tag) })]),
        ["paths"] = Paths(),
        ["components"] = new JsonObject
        {
            ["schemas"] = Schemas(options),
            ["responses"] = FaultWriter.Components(Operations),
            ["headers"] = new JsonObject(HeaderNames.All.Select(header => KeyValuePair.Create<string, JsonNode?>(
                header.Name, new JsonObject { ["description"] = header.Text, ["schema"] = Shape.Text() }))),
            ["securitySchemes"] = new JsonObject
            {
                ["bearer"] = new JsonObject
                {
                    ["type"] = "http",
                    ["scheme"] = "bearer",
                    ["description"] = "A key, or a token of the provider that the server trusts. Over gRPC metadata of the same name.",
                },
                ["apiKey"] = new JsonObject
                {
                    ["type"] = "apiKey",
                    ["in"] = "header",
                    ["name"] = "x-api-key",
                    ["description"] = "The same key, as Anthropic's clients send it.",
                },
            },
        },
    };

    private static string UnknownText(UnknownFields unknown) => unknown == UnknownFields.Refuse
        ? "Fields that are not described are refused."
        : "Fields that are not described are read over, and named in X-Parley-Ignored-Fields.";

    private static string TagText(string tag) => tag switch
    {
        "OpenAI" => "Chats, completions and models as OpenAI's clients know them; fields of other servers' beside OpenAI's.",
        "Responses" => "OpenAI's Responses, kept and gone on from.",
        "Tokens" => "What texts cost, in the form of vLLM and of llama.cpp.",
        "Anthropic" => "Messages as Anthropic's clients know them.",
        "Ollama" => "What Ollama's clients ask for, of the one model that is served.",
        _ => "About the server itself.",
    };

    private static JsonObject Schemas(GatewayOptions options)
    {
        IEnumerable<(string Name, JsonObject Schema)> all =
        [
            .. MessageShapes.Of(options), .. ChatShapes.Of(options), .. CompletionShapes.Of(options), .. ResponseShapes.Of(options),
            .. AnthropicShapes.Of(options), .. OllamaShapes.Of(options), .. ServerOperations.Shapes,
        ];
        return new JsonObject(all.Select(one => KeyValuePair.Create<string, JsonNode?>(one.Name, one.Schema)));
    }

    private static JsonObject Paths()
    {
        var paths = new JsonObject();
        foreach (var route in Operations.GroupBy(operation => operation.Path))
        {
            paths[route.Key] = new JsonObject(route.Select(operation =>
                KeyValuePair.Create<string, JsonNode?>(operation.Method.ToLowerInvariant(), OperationOf(operation))));
        }

        return paths;
    }

    private static JsonObject OperationOf(Operation operation)
    {
        var text = string.Join(' ', ((string[])[operation.Text, operation.IsOpen ? OpenTo : ""]).Where(part => part.Length > 0));
        var node = new JsonObject
        {
            ["operationId"] = operation.Id,
            ["tags"] = new JsonArray(operation.Tag),
            ["summary"] = operation.Summary,
        };
        if (text.Length > 0)
            node["description"] = text;
        if (operation.IsOpen)
            node["security"] = new JsonArray();
        if (operation.Parameters.Count > 0)
            node["parameters"] = new JsonArray([.. operation.Parameters.Select(ParameterOf)]);
        if (operation.Request is { } request)
            node["requestBody"] = BodyOf(request, operation.Example!);
        node["responses"] = ResponsesOf(operation);
        return node;
    }

    private static JsonNode ParameterOf(Parameter parameter) => new JsonObject
    {
        ["name"] = parameter.Name,
        ["in"] = parameter.Place,
        ["required"] = parameter.Place == "path",
        ["description"] = parameter.Text,
        ["schema"] = parameter.Schema.DeepClone(),
    };

    private static JsonObject BodyOf(string component, string example) => new()
    {
        ["required"] = true,
        ["content"] = new JsonObject
        {
            ["application/json"] = new JsonObject { ["schema"] = Shape.Ref(component), ["example"] = JsonNode.Parse(example) },
        },
    };

    private static JsonObject ResponsesOf(Operation operation)
    {
        var responses = new JsonObject();
        if (operation.Answers.Count > 0)
        {
            responses["200"] = new JsonObject
            {
                ["description"] = operation.Answers.Count > 1 ? "The answer: whole, or as a stream." : "The answer.",
                ["headers"] = HeadersOf(operation),
                ["content"] = new JsonObject(operation.Answers.Select(
                    answer => KeyValuePair.Create<string, JsonNode?>(answer.MediaType, MediaOf(answer)))),
            };
        }

        foreach (var status in operation.Faults.Order())
            responses[$"{status}"] = FaultWriter.Of(operation, status);
        return responses;
    }

    private static JsonObject MediaOf(Answer answer)
    {
        var media = new JsonObject { ["schema"] = answer.Schema.DeepClone() };
        // OpenAPI has a word for the parts of a stream from 3.2 on; until then it is ours.
        if (answer.Item is { } item)
            media["x-item-schema"] = Shape.Ref(item);
        return media;
    }

    private static JsonObject HeadersOf(Operation operation)
    {
        IEnumerable<string> names = operation.Protocol == Protocol.None
            ? [] : [HeaderNames.RequestId, .. Access.RateHeaders.Names, .. operation.Headers];
        return FaultWriter.Headers(names);
    }
}

using System.Text.Json.Nodes;

namespace Parley.Generator.Tests.Guides;

/// <summary>
/// Schemas put together by chance from a seed: every keyword that the oracle knows, over the few values of <see cref="SmallWorld"/>.
/// </summary>
/// <param name="seed">Where chance begins.</param>
internal sealed class RandomSchemas(int seed)
{
#pragma warning disable CA5394 // a seed, so that a failure comes again
    private readonly Random _random = new(seed);

    public JsonNode Next(int depth = 3)
    {
        if (depth == 0 || _random.Next(12) == 0)
            return _random.Next(3) == 0 ? JsonValue.Create(_random.Next(4) > 0) : Leaf();
        var schema = new JsonObject();
        for (var i = _random.Next(1, 4); i > 0; i--)
            Add(schema, depth - 1);
        return schema;
    }

    private JsonObject Leaf() => _random.Next(7) switch
    {
        0 => new JsonObject { ["type"] = Pick("null", "boolean", "integer", "number", "string", "array", "object") },
        1 => new JsonObject { ["const"] = Value() },
        2 => new JsonObject { ["enum"] = new JsonArray(Value(), Value(), Value()) },
        3 => new JsonObject { ["pattern"] = Pick("^a", "b$", "^$", "a|b", "^[^a]*$"), ["minLength"] = _random.Next(2) },
        4 => new JsonObject { ["minimum"] = _random.Next(3), ["multipleOf"] = _random.Next(1, 3) },
        5 => new JsonObject { ["exclusiveMaximum"] = _random.Next(3) },
        _ => new JsonObject { ["type"] = new JsonArray(Pick("null", "string"), Pick("integer", "object", "array")) },
    };

    private void Add(JsonObject schema, int depth)
    {
        var (keyword, value) = _random.Next(22) switch
        {
            0 => ("allOf", List(depth)),
            1 or 2 => ("anyOf", List(depth)),
            3 or 4 => ("oneOf", List(depth)),
            5 or 6 => ("not", Next(depth)),
            7 => ("if", Next(depth)),
            8 or 9 => ("properties", new JsonObject { ["a"] = Next(depth), ["b"] = Next(depth) }),
            10 => ("patternProperties", new JsonObject { [Pick("^a", "b", ".")] = Next(depth) }),
            11 => ("additionalProperties", Next(depth)),
            12 => ("required", new JsonArray(Pick("a", "b"))),
            13 => (Pick("minProperties", "maxProperties"), _random.Next(3)),
            14 => ("propertyNames", Next(depth)),
            15 => ("dependentRequired", new JsonObject { [Pick("a", "b")] = new JsonArray(Pick("a", "b")) }),
            16 => ("dependentSchemas", new JsonObject { [Pick("a", "b")] = Next(depth) }),
            17 => ("items", Next(depth)),
            18 => ("prefixItems", List(depth)),
            19 => (Pick("minItems", "maxItems"), _random.Next(3)),
            20 => ("uniqueItems", true),
            _ => ("contains", Next(depth)),
        };
        schema[keyword] = value;
        if (keyword == "if")
            (schema["then"], schema["else"]) = (Next(depth), Next(depth));
        if (keyword == "contains")
            (schema["minContains"], schema["maxContains"]) = (_random.Next(2), _random.Next(1, 3));
    }

    private JsonArray List(int depth) => [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Next(depth))];

    private JsonNode? Value() => JsonNode.Parse(SmallWorld.Texts[_random.Next(SmallWorld.Texts.Count)]);

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];
#pragma warning restore CA5394
}

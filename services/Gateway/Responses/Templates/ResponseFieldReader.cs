using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Patterns;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Templates;

/// <summary>One entry of a response template's <c>fields</c>, checked as transformers checks it.</summary>
internal static class ResponseFieldReader
{
    private static readonly string[] Keys =
    [
        "open", "open_pattern", "close", "close_pattern", "content", "content_args", "repeats", "join", "optional", "transform",
        "transform_each",
    ];

    /// <exception cref="ResponseFormatException">It is no field.</exception>
    public static ResponseField Read(string name, JsonNode? spec, bool isOurs)
    {
        var scope = $"field '{name}'";
        if (spec is not JsonObject node)
            throw new ResponseFormatException($"{scope} must be an object");
        if (node.Select(member => member.Key).FirstOrDefault(key => !Keys.Contains(key)) is { } unknown)
            throw new ResponseFormatException($"{scope}: the key '{unknown}' is unknown");
        var kind = node.TryGetPropertyValue("content", out var content) ? PythonTruth.Text(content) : "text";
        if (kind is null || !ContentParser.IsKnown(kind, isOurs))
            throw new ResponseFormatException($"{scope}: content is none of the parsers");
        var arguments = node.TryGetPropertyValue("content_args", out var given) ? given : new JsonObject();
        var join = PythonTruth.Text(node["join"]);
        var repeats = node.TryGetPropertyValue("repeats", out var several) && PythonTruth.IsTrue(several);
        if (node["join"] is not null && (join is null || !repeats))
            throw new ResponseFormatException($"{scope}: join must be a text, and needs repeats");
        var each = node.TryGetPropertyValue("transform_each", out var perElement)
            ? perElement?.GetValueKind() switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => throw new ResponseFormatException($"{scope}: transform_each must be true or false"),
            }
            : false;
        if (each && node["transform"] is null)
            throw new ResponseFormatException($"{scope}: transform_each needs a transform");
        var field = new ResponseField(name)
        {
            Open = ReadPattern(scope, node, "open", "open_pattern"),
            Close = ReadPattern(scope, node, "close", "close_pattern"),
            Content = new ContentParser(kind, arguments),
            Repeats = repeats,
            Join = join,
            IsOptional = !node.TryGetPropertyValue("optional", out var optional) || PythonTruth.IsTrue(optional),
            Transform = node["transform"],
            TransformsEach = each,
        };
        if (field.Transform is not null)
            ResponseTransform.Check(scope, field.Transform);
        else if ((field.Open?.Names ?? []).Concat(field.Close?.Names ?? []).FirstOrDefault() is { } captured)
            throw new ResponseFormatException($"{scope}: the group '{captured}' is captured and no transform uses it");
        return field;
    }

    /// <summary>A delimiter: one literal, several, or a pattern; null where there is none.</summary>
    /// <exception cref="ResponseFormatException">It is both, or none of these.</exception>
    public static Pattern? ReadPattern(string scope, JsonObject node, string literalKey, string patternKey)
    {
        var hasLiteral = node.TryGetPropertyValue(literalKey, out var literal);
        if (hasLiteral && node.ContainsKey(patternKey))
            throw new ResponseFormatException($"{scope}: {literalKey} and {patternKey} exclude each other");
        if (hasLiteral)
        {
            var literals = literal is JsonArray several ? several.Select(PythonTruth.Text).ToArray() : [PythonTruth.Text(literal)];
            if (literals.Length == 0 || literals.Any(string.IsNullOrEmpty))
                throw new ResponseFormatException($"{scope}: {literalKey} must be a text or a list of texts, none of them empty");
            return Pattern.OfLiterals(literals.Distinct()!);
        }

        if (!node.TryGetPropertyValue(patternKey, out var given))
            return null;
        try
        {
            var pattern = Pattern.Parse(
                PythonTruth.Text(given) ?? throw new ResponseFormatException($"{scope}: {patternKey} must be a text"));
            return pattern.HasReferences
                ? throw new ResponseFormatException($"{scope}: {patternKey} must have no back references, which need the whole text")
                : pattern;
        }
        catch (PatternException exception)
        {
            throw new ResponseFormatException($"{scope}: {patternKey}: {exception.Message}", exception);
        }
    }
}

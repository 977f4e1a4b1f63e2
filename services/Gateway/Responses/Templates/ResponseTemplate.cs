using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Patterns;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Templates;

/// <summary>
/// How the text of an answer becomes a message: transformers' <c>response_template</c>, as tokenizer_config.json of newer models has it
/// (docs/response-templates.md).
/// </summary>
internal sealed class ResponseTemplate
{
    private ResponseTemplate(Pattern anchor, JsonObject defaults, IReadOnlyDictionary<string, ResponseField> fields)
    {
        (Anchor, Defaults, Fields) = (anchor, defaults, fields);
        Implicit = fields.Values.FirstOrDefault(field => field.Open is null);
    }

    /// <summary>What the prompt ends the turns before the answer with.</summary>
    public Pattern Anchor { get; }

    /// <summary>What the message holds before anything was read.</summary>
    public JsonObject Defaults { get; }

    public IReadOnlyDictionary<string, ResponseField> Fields { get; }

    /// <summary>The field that takes what lies outside all others; null where that text is dropped.</summary>
    public ResponseField? Implicit { get; }

    /// <summary>Reads the JSON text of a template.</summary>
    /// <exception cref="ResponseFormatException">It is none; the message says which field and why.</exception>
    public static ResponseTemplate Parse(string json) => Read(PythonJson.Parse(json));

    /// <param name="spec">A template.</param>
    /// <param name="isOurs">It may use a kind of content that transformers does not know.</param>
    /// <exception cref="ResponseFormatException">It is none; the message says which field and why.</exception>
    public static ResponseTemplate Read(JsonNode? spec, bool isOurs = false)
    {
        if (spec is not JsonObject node)
            throw new ResponseFormatException("response_template must be an object");
        foreach (var (key, _) in node)
        {
            if (key is not ("version" or "defaults" or "fields" or "start_anchor" or "start_anchor_pattern"))
                throw new ResponseFormatException($"response_template: the key '{key}' is unknown");
        }

        if (node.TryGetPropertyValue("version", out var version) && !PythonTruth.IsNumber(version, 1))
            throw new ResponseFormatException("response_template.version must be 1");
        if (node.TryGetPropertyValue("defaults", out var given) && given is not JsonObject)
            throw new ResponseFormatException("response_template.defaults must be an object");
        if (node["fields"] is not JsonObject { Count: > 0 } fieldNodes)
            throw new ResponseFormatException("response_template.fields must be an object that holds a field");
        var fields = new Dictionary<string, ResponseField>(StringComparer.Ordinal);
        foreach (var (name, field) in fieldNodes)
            fields[name] = ResponseFieldReader.Read(name, field, isOurs);
        var open = fields.Values.Where(field => field.Open is null).Select(field => field.Name).ToArray();
        if (open.Length > 1)
            throw new ResponseFormatException($"response_template: only one field may have no open; {string.Join(", ", open)} have none");
        var anchor = ResponseFieldReader.ReadPattern("response_template", node, "start_anchor", "start_anchor_pattern")
            ?? throw new ResponseFormatException("response_template needs start_anchor or start_anchor_pattern");
        return new ResponseTemplate(anchor, given as JsonObject ?? [], fields);
    }

    /// <summary>What of a prompt belongs to the answer: all behind the last anchor, else the whole prompt.</summary>
    public string Opening(string prompt, out bool isAnchored)
    {
        var budget = new PatternBudget();
        budget.Earn(prompt.Length);
        var matches = PatternFinder.FindAll(Anchor, prompt, budget);
        isAnchored = matches.Count > 0;
        return isAnchored ? prompt[matches[^1].End..] : prompt;
    }
}

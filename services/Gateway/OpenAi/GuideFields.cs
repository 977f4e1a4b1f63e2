using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// The fields that say what an answer must be: OpenAI's <c>response_format</c>, vLLM's <c>structured_outputs</c> and its older
/// <c>guided_*</c>, llama.cpp's <c>json_schema</c> and <c>grammar</c>, SGLang's <c>regex</c> and <c>ebnf</c>, Ollama's <c>format</c>. An
/// answer has one guide.
/// </summary>
internal sealed class GuideFields(RequestFields fields)
{
    /// <summary>What the request asks for; null where it asks for text.</summary>
    public ChatGuide? Guide { get; private set; }

    /// <summary>Reads a field; false where it is none of these.</summary>
    public bool TryRead(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "response_format":
                ReadFormat(field, value);
                return true;
            case "guided_json" or "json_schema":
                ReadSchema(field, value);
                return true;
            case "guided_regex" or "regex":
                ReadRegex(field, value);
                return true;
            case "guided_grammar" or "grammar" or "ebnf":
                ReadGrammar(field, value);
                return true;
            case "structural_tag":
                ReadStructuralTag(field, value);
                return true;
            case "guided_choice":
                ReadChoice(field, value);
                return true;
            case "format":
                ReadOllamaFormat(field, value);
                return true;
            case "structured_outputs":
                ReadStructuredOutputs(field, value);
                return true;
            default:
                return false;
        }
    }

    private void ReadFormat(string field, JsonElement format)
    {
        if (RequestFields.IsEmpty(format) || RequestFields.Is(format, "text"))
            return;
        if (format.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(field, "an object with a type", format);
            return;
        }

        if (!format.TryGetProperty("type", out var type))
            fields.Refuse($"{field}.type", "is missing", ViolationReason.Missing);
        else if (RequestFields.Is(type, "json_object"))
            ReadJsonObject(field, format);
        else if (RequestFields.Is(type, "json_schema"))
            ReadJsonSchema(field, format);
        else if (RequestFields.Is(type, "grammar"))
            ReadGrammarFormat(field, format);
        else if (RequestFields.Is(type, "structural_tag"))
            ReadStructuralTag(field, format);
        else if (!RequestFields.Is(type, "text"))
            OtherFields.RefuseValue($"{field}.type", type, "'text', 'json_object', 'json_schema', 'grammar' or 'structural_tag'", fields);
    }

    private void ReadGrammarFormat(string field, JsonElement format)
    {
        var path = $"{field}.grammar";
        if (!format.TryGetProperty("grammar", out var grammar) || RequestFields.IsEmpty(grammar))
            fields.Refuse(path, "is missing", ViolationReason.Missing);
        else if (grammar.ValueKind == JsonValueKind.Object)
            ReadNamedGrammar(path, grammar);
        else
            ReadGrammar(path, grammar);
    }

    /// <summary>A grammar that says what it is written in, as OpenAI's custom tools have it.</summary>
    private void ReadNamedGrammar(string path, JsonElement grammar)
    {
        var syntax = GrammarSyntax.Unspecified;
        var isPattern = false;
        string? text = null;
        foreach (var (name, field, value) in fields.Members(path, grammar))
        {
            switch (name)
            {
                case "definition":
                    text = fields.Text(field, value);
                    break;
                case "syntax" when RequestFields.Is(value, "lark"):
                    syntax = GrammarSyntax.Lark;
                    break;
                case "syntax" when RequestFields.Is(value, "gbnf"):
                    syntax = GrammarSyntax.Gbnf;
                    break;
                case "syntax" when RequestFields.Is(value, "regex"):
                    isPattern = true;
                    break;
                case "syntax":
                    OtherFields.RefuseValue(field, value, "'lark', 'gbnf' or 'regex'", fields);
                    break;
                default:
                    fields.Ignore(field);
                    break;
            }
        }

        if (string.IsNullOrEmpty(text))
            fields.Refuse($"{path}.definition", "is missing", ViolationReason.Missing);
        else
            Add(new ChatGuide(isPattern ? GuideKind.Regex : GuideKind.Grammar, [text], $"{path}.definition") { Syntax = syntax });
    }

    private void ReadGrammar(string field, JsonElement value)
    {
        if (!RequestFields.IsEmpty(value) && fields.Text(field, value) is { } grammar)
            Add(new ChatGuide(GuideKind.Grammar, [grammar], field));
    }

    /// <summary>A structural tag, as JSON or as a text that holds it.</summary>
    private void ReadStructuralTag(string field, JsonElement value)
    {
        if (RequestFields.IsEmpty(value))
            return;
        if (value.ValueKind is JsonValueKind.Object)
            Add(new ChatGuide(GuideKind.StructuralTag, [value.GetRawText()], field));
        else if (fields.Text(field, value) is { } text)
            Add(new ChatGuide(GuideKind.StructuralTag, [text], field));
    }

    /// <summary>Any object, or as llama.cpp's clients have it, one of a schema beside the type.</summary>
    private void ReadJsonObject(string field, JsonElement format)
    {
        if (format.TryGetProperty("schema", out var schema) && !RequestFields.IsEmpty(schema))
            ReadSchema($"{field}.schema", schema);
        else
            Add(ChatGuide.AnyObject(field));
    }

    private void ReadJsonSchema(string field, JsonElement format)
    {
        var path = $"{field}.json_schema";
        if (!format.TryGetProperty("json_schema", out var named) || named.ValueKind == JsonValueKind.Null)
        {
            fields.Refuse(path, "is missing", ViolationReason.Missing);
            return;
        }

        var hasSchema = false;
        foreach (var (name, inner, value) in fields.Members(path, named))
        {
            switch (name)
            {
                case "schema":
                    hasSchema = true;
                    AddSchema(inner, value);
                    break;
                // The name is for people and models, and every schema is enforced: strict or not asks for nothing more.
                case "name" or "description":
                    fields.Text(inner, value);
                    break;
                case "strict":
                    fields.Flag(inner, value);
                    break;
                default:
                    fields.Ignore(inner);
                    break;
            }
        }

        if (!hasSchema && named.ValueKind == JsonValueKind.Object)
            fields.Refuse($"{path}.schema", "is missing", ViolationReason.Missing);
    }

    /// <summary>A schema where an empty one is none.</summary>
    private void ReadSchema(string field, JsonElement value)
    {
        if (!RequestFields.IsEmpty(value))
            AddSchema(field, value);
    }

    private void AddSchema(string field, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False:
                Add(new ChatGuide(GuideKind.JsonSchema, [value.GetRawText()], field));
                break;
            case JsonValueKind.String:
                Add(new ChatGuide(GuideKind.JsonSchema, [value.GetString()!], field));
                break;
            default:
                fields.RefuseType(field, "a JSON schema", value);
                break;
        }
    }

    private void ReadRegex(string field, JsonElement value)
    {
        if (!RequestFields.IsEmpty(value) && fields.Text(field, value) is { } pattern)
            Add(new ChatGuide(GuideKind.Regex, [pattern], field));
    }

    private void ReadChoice(string field, JsonElement value)
    {
        if (RequestFields.IsEmpty(value))
            return;
        string[] texts = [.. fields.Items(field, value).Select(item => fields.Text(item.Field, item.Value)).OfType<string>()];
        if (texts.Length > 0)
            Add(new ChatGuide(GuideKind.Choice, texts, field));
    }

    private void ReadOllamaFormat(string field, JsonElement value)
    {
        if (RequestFields.Is(value, "json"))
            Add(ChatGuide.AnyObject(field));
        else if (value.ValueKind == JsonValueKind.String && !RequestFields.IsEmpty(value))
            OtherFields.RefuseValue(field, value, "'json' or a JSON schema", fields);
        else
            ReadSchema(field, value);
    }

    private void ReadStructuredOutputs(string path, JsonElement value)
    {
        foreach (var (name, field, inner) in fields.Members(path, value))
        {
            switch (name)
            {
                case "json":
                    ReadSchema(field, inner);
                    break;
                case "regex":
                    ReadRegex(field, inner);
                    break;
                case "choice":
                    ReadChoice(field, inner);
                    break;
                case "grammar":
                    ReadGrammar(field, inner);
                    break;
                case "structural_tag":
                    ReadStructuralTag(field, inner);
                    break;
                case "json_object" when fields.Flag(field, inner) == true:
                    Add(ChatGuide.AnyObject(field));
                    break;
                case "json_object" or "disable_any_whitespace":
                    // Compact is how guides write.
                    break;
                case "whitespace_pattern" or "disable_additional_properties" or "disable_fallback":
                    if (!RequestFields.IsEmpty(inner) && inner.ValueKind != JsonValueKind.False)
                        OtherFields.RefuseValue(field, inner, "null or an empty value", fields);
                    break;
                default:
                    fields.Ignore(field);
                    break;
            }
        }
    }

    private void Add(ChatGuide guide)
    {
        if (Guide is { } other && !other.IsSameAs(guide))
            fields.Refuse(guide.Field, $"contradicts {other.Field}: an answer has one guide");
        Guide ??= guide;
    }
}

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// How much a model shall think, as different servers ask for it. Templates that know such a switch read it from their variables, so it
/// becomes one; a template that knows none writes the same prompt as without.
/// </summary>
internal sealed class ThinkingFields(RequestFields fields)
{
    private const string Budget = "reasoning_tokens_max";

    private readonly SortedDictionary<string, string> _variables = new(StringComparer.Ordinal);

    /// <summary>Tokens of reasoning; null is any number.</summary>
    public uint? TokensMax { get; private set; }

    /// <summary>The field that says so.</summary>
    public string TokensField { get; private set; } = Budget;

    /// <summary>Reads a field; false where it is none of these.</summary>
    public bool TryRead(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "reasoning_effort":
                ReadEffort(field, value);
                return true;
            case "enable_thinking":
                Switch(fields.Flag(field, value));
                return true;
            case "think":
                if (value.ValueKind == JsonValueKind.String)
                    ReadEffort(field, value);
                else
                    Switch(fields.Flag(field, value));
                return true;
            case "thinking":
                ReadThinking(field, value);
                return true;
            case "reasoning":
                ReadReasoning(field, value);
                return true;
            case "thinking_budget" or "thinking_budget_tokens" or "thinking_token_budget" or "reasoning_budget":
                ReadBudget(field, value);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Reads a member of <c>reasoning</c>; false where it is none of these.</summary>
    public bool TryReadReasoning(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "effort":
                ReadEffort(field, value);
                return true;
            case "enabled":
                Switch(fields.Flag(field, value));
                return true;
            case "exclude":
                if (value.ValueKind != JsonValueKind.False)
                    OtherFields.RefuseValue(field, value, "false", fields);
                return true;
            case "max_tokens":
                ReadBudget(field, value);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The variables of the template: those of the request, and beside them what was asked for here.</summary>
    public string Over(string templateArgumentsJson)
    {
        if (_variables.Count == 0)
            return templateArgumentsJson;
        using var given = JsonDocument.Parse(
            templateArgumentsJson.Length == 0 ? "{}" : templateArgumentsJson, new JsonDocumentOptions { MaxDepth = RequestBody.DepthMax });
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
        {
            json.WriteStartObject();
            foreach (var member in given.RootElement.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                json.WriteRawValue(member.Value.GetRawText(), skipInputValidation: true);
            }

            foreach (var (name, value) in _variables.Where(variable => !given.RootElement.TryGetProperty(variable.Key, out _)))
            {
                json.WritePropertyName(name);
                json.WriteRawValue(value);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void ReadEffort(string field, JsonElement value)
    {
        if (RequestFields.IsEmpty(value))
            return;
        if (RequestFields.IsAnyOf(value, "none", "minimal", "low", "medium", "high", "xhigh", "max"))
            _variables["reasoning_effort"] = $"\"{value.GetString()}\"";
        else if (value.ValueKind == JsonValueKind.String)
            fields.Refuse(field, "must be none, minimal, low, medium, high, xhigh or max");
        else
            fields.RefuseType(field, "a string", value);
    }

    private void Switch(bool? isOn)
    {
        if (isOn is not { } on)
            return;
        // Qwen, SmolLM3 and GLM read the first, Granite and DeepSeek the second.
        _variables["enable_thinking"] = _variables["thinking"] = on ? "true" : "false";
    }

    private void ReadThinking(string path, JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            Switch(value.GetBoolean());
            return;
        }

        foreach (var (name, field, part) in fields.Members(path, value))
        {
            if (name == "type" && RequestFields.IsAnyOf(part, "enabled", "disabled"))
                Switch(RequestFields.Is(part, "enabled"));
            else if (name == "type" && !RequestFields.IsAnyOf(part, "adaptive", "auto"))
                OtherFields.RefuseValue(field, part, "'enabled', 'disabled' or 'auto'", fields);
            else if (name == "budget_tokens")
                ReadBudget(field, part);
        }
    }

    private void ReadReasoning(string path, JsonElement value)
    {
        foreach (var (name, field, part) in fields.Members(path, value))
            TryReadReasoning(name, field, part);
    }

    /// <summary>−1 is no limit. Seed-OSS's template tells the model, under this name.</summary>
    private void ReadBudget(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null || fields.Limit(field, value) is not { } tokens)
            return;
        fields.Claim(Budget, field, value);
        (TokensMax, TokensField) = (tokens, field);
        _variables["thinking_budget"] = tokens.ToString(CultureInfo.InvariantCulture);
    }
}

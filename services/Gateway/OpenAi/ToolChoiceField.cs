using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// <c>tool_choice</c>: a word (none, auto, required; <c>any</c> as Mistral has it), a function by name in the shape of any of the known
/// APIs, or OpenAI's list of allowed tools.
/// </summary>
internal sealed class ToolChoiceField(RequestFields fields)
{
    private const string Supported = "'none', 'auto', 'required', a function's name in an object, or allowed_tools";

    public ToolChoice Choice { get; private set; }

    /// <summary>Of the function that must be called.</summary>
    public string Name { get; private set; } = "";

    /// <summary>The functions that may be called; empty is all of them.</summary>
    public IReadOnlyList<string> Allowed { get; private set; } = [];

    public void Read(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && !RequestFields.IsEmpty(value))
            ReadMode(field, value);
        else if (value.ValueKind == JsonValueKind.Object)
            ReadObject(field, value);
        else if (!RequestFields.IsEmpty(value))
            fields.RefuseType(field, "a string or an object", value);
    }

    private void ReadMode(string field, JsonElement value)
    {
        if (RequestFields.IsAnyOf(value, "required", "any"))
            Choice = ToolChoice.Required;
        else if (RequestFields.Is(value, "none"))
            Choice = ToolChoice.None;
        else if (RequestFields.Is(value, "auto"))
            Choice = ToolChoice.Auto;
        else
            OtherFields.RefuseValue(field, value, Supported, fields);
    }

    private void ReadObject(string field, JsonElement value)
    {
        var hasType = value.TryGetProperty("type", out var type);
        if (hasType && RequestFields.Is(type, "allowed_tools"))
        {
            ReadAllowed(field, value.TryGetProperty("allowed_tools", out var inner) ? inner : value);
        }
        else if (hasType && !RequestFields.IsAnyOf(type, "function", "tool"))
        {
            ReadMode($"{field}.type", type);
        }
        else if (NameOf(field, value) is { } name)
        {
            (Choice, Name) = (ToolChoice.Named, name);
        }
    }

    private void ReadAllowed(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("tools", out var tools))
        {
            fields.Refuse($"{field}.tools", "is missing", ViolationReason.Missing);
            return;
        }

        if (value.TryGetProperty("mode", out var mode))
            ReadMode($"{field}.mode", mode);
        Allowed = [.. fields.Items($"{field}.tools", tools).Select(item => NameOf(item.Field, item.Value)).OfType<string>()];
        if (Allowed.Count == 0 && tools.ValueKind == JsonValueKind.Array && tools.GetArrayLength() == 0)
            Choice = ToolChoice.None;
    }

    private string? NameOf(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(field, "an object", value);
            return null;
        }

        var holder = value.TryGetProperty("function", out var function) ? function : value;
        if (holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty("name", out var name))
            return fields.Text($"{field}.function.name", name);
        fields.Refuse($"{field}.function.name", "is missing", ViolationReason.Missing);
        return null;
    }
}

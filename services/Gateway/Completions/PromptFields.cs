using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Completions;

/// <summary>The <c>prompt</c> of a completion: a text, several texts, ids, or several lists of ids.</summary>
internal static class PromptFields
{
    /// <summary>The prompts in their order; none where there is a fault, which is noted.</summary>
    public static IReadOnlyList<RawPrompt> Read(string field, JsonElement value, RequestFields fields)
    {
        if (value.ValueKind == JsonValueKind.String)
            return [new RawPrompt(value.GetString()!, null)];
        if (value.ValueKind != JsonValueKind.Array)
        {
            fields.RefuseType(field, "a string, an array of strings, an array of ids, or an array of such arrays", value);
            return [];
        }

        if (value.GetArrayLength() == 0)
        {
            fields.Refuse(field, "must hold at least one prompt", ViolationReason.ListTooShort);
            return [];
        }

        if (value[0].ValueKind == JsonValueKind.Number)
            return [new RawPrompt(null, fields.Ids(field, value))];
        return [.. fields.Items(field, value).Select(item => ReadOne(item.Field, item.Value, fields)).OfType<RawPrompt>()];
    }

    private static RawPrompt? ReadOne(string field, JsonElement value, RequestFields fields)
    {
        if (value.ValueKind == JsonValueKind.String)
            return new RawPrompt(value.GetString()!, null);
        if (value.ValueKind == JsonValueKind.Array)
            return new RawPrompt(null, fields.Ids(field, value));
        fields.RefuseType(field, "a string or an array of ids", value);
        return null;
    }
}

using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>The field <c>text</c>: what the answer must be, and how wordy.</summary>
internal sealed class ResponseTextFields(RequestFields fields, Action<string> readUnknown)
{
    /// <summary>Null where the answer is any text.</summary>
    public ChatGuide? Guide { get; private set; }

    public void Read(string path, JsonElement value)
    {
        foreach (var (name, field, inner) in fields.Members(path, value))
        {
            if (name == "format")
                ReadFormat(field, inner);
            else if (!OtherFields.TryRead(name, field, inner, fields))
                readUnknown(field);
        }
    }

    private void ReadFormat(string path, JsonElement format)
    {
        if (RequestFields.IsEmpty(format))
            return;
        if (format.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(path, "an object with a type", format);
            return;
        }

        if (!format.TryGetProperty("type", out var type))
            fields.Refuse($"{path}.type", "is missing", ViolationReason.Missing);
        else if (RequestFields.Is(type, "json_object"))
            Guide = ChatGuide.AnyObject(path);
        else if (RequestFields.Is(type, "json_schema"))
            ReadSchema(path, format);
        else if (!RequestFields.Is(type, "text"))
            OtherFields.RefuseValue($"{path}.type", type, "'text', 'json_object' or 'json_schema'", fields);
    }

    /// <summary>The name is for people and models, and every schema is enforced: strict or not asks for nothing more.</summary>
    private void ReadSchema(string path, JsonElement format)
    {
        var field = $"{path}.schema";
        if (!format.TryGetProperty("schema", out var schema) || schema.ValueKind == JsonValueKind.Null)
            fields.Refuse(field, "is missing", ViolationReason.Missing);
        else if (schema.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False)
            Guide = new ChatGuide(GuideKind.JsonSchema, [schema.GetRawText()], field);
        else
            fields.RefuseType(field, "a JSON schema", schema);
    }
}

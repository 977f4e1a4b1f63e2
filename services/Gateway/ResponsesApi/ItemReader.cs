using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>The items of a request's <c>input</c>, or of a response that was kept.</summary>
/// <param name="fields">Notes faults.</param>
/// <param name="responseId">The response that is asked for: items without an id get one of it.</param>
/// <param name="referenced">Items that references may mean, by id.</param>
internal sealed class ItemReader(RequestFields fields, string responseId, IReadOnlyDictionary<string, ResponseItem> referenced)
{
    private const int IdCharactersMax = 128;

    private static readonly string[] Roles = ["user", "assistant", "system", "developer"];

    private int _count;

    /// <summary>A text is a message of the user.</summary>
    public IReadOnlyList<ResponseItem> Read(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return [new ResponseItem.Message(NewId("msg"), "user", [value.GetString()!])];
        if (value.ValueKind == JsonValueKind.Array)
            return [.. fields.Items(field, value).Select(item => ReadItem(item.Field, item.Value)).OfType<ResponseItem>()];
        fields.RefuseType(field, "a string or an array of items", value);
        return [];
    }

    private ResponseItem? ReadItem(string field, JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(field, "an object", item);
            return null;
        }

        var type = item.TryGetProperty("type", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : "message";
        switch (type)
        {
            case "message":
                return new ResponseItem.Message(IdOf(item, "msg"), RoleOf(field, item), Texts(field, item, "content", isNeeded: true));
            case "function_call":
                return new ResponseItem.FunctionCall(
                    IdOf(item, "fc"), Needed(field, item, "call_id"), Needed(field, item, "name"), Arguments(item));
            case "function_call_output":
                return new ResponseItem.FunctionOutput(
                    IdOf(item, "fco"), Needed(field, item, "call_id"), Texts(field, item, "output", isNeeded: true));
            case "reasoning":
                return new ResponseItem.Reasoning(
                    IdOf(item, "rs"), Texts(field, item, "content", isNeeded: false), Texts(field, item, "summary", isNeeded: false));
            case "compaction":
                return new ResponseItem.Compaction(IdOf(item, "cmp"), Compacted(field, item));
            case "item_reference":
                return Referenced(field, item);
            default:
                fields.Refuse($"{field}.type", $"'{BoundedText.Cut(type, 40)}' is not supported; items are message, function_call, "
                    + "function_call_output, reasoning, compaction and item_reference", ViolationReason.Unsupported);
                return null;
        }
    }

    private ResponseItem? Referenced(string field, JsonElement item)
    {
        var id = Needed(field, item, "id");
        if (id.Length > 0 && referenced.TryGetValue(id, out var found))
            return found;
        if (id.Length > 0)
            fields.Refuse($"{field}.id", $"'{BoundedText.Cut(id, 80)}' is no item that is kept here");
        return null;
    }

    private string Compacted(string field, JsonElement item)
    {
        var given = Needed(field, item, "encrypted_content");
        var text = CompactedText.Read(given);
        if (given.Length > 0 && text is null)
            fields.Refuse($"{field}.encrypted_content", "is nothing that this server's /v1/responses/compact has written");
        return text ?? "";
    }

    private string RoleOf(string field, JsonElement item)
    {
        var role = Needed(field, item, "role");
        if (role.Length > 0 && !Roles.Contains(role))
            fields.Refuse($"{field}.role", $"'{BoundedText.Cut(role, 40)}' is unknown; use one of {string.Join(", ", Roles)}");
        return role;
    }

    private string Needed(string field, JsonElement item, string name)
    {
        if (!item.TryGetProperty(name, out var value) || RequestFields.IsEmpty(value))
        {
            fields.Refuse($"{field}.{name}", "is missing", ViolationReason.Missing);
            return "";
        }

        return fields.Text($"{field}.{name}", value) ?? "";
    }

    /// <summary>A model wrote them: what is neither a text nor an object is read as none.</summary>
    private static string Arguments(JsonElement item) => !item.TryGetProperty("arguments", out var value) ? "" :
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Object => value.GetRawText(),
            _ => "",
        };

    /// <summary>A text, or the texts of parts.</summary>
    private IReadOnlyList<string> Texts(string path, JsonElement item, string name, bool isNeeded)
    {
        var field = $"{path}.{name}";
        if (!item.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            if (isNeeded)
                fields.Refuse(field, "is missing", ViolationReason.Missing);
            return [];
        }

        if (value.ValueKind == JsonValueKind.String)
            return [value.GetString()!];
        if (value.ValueKind != JsonValueKind.Array)
        {
            fields.RefuseType(field, "a string or an array of text parts", value);
            return [];
        }

        return [.. fields.Items(field, value).Select(part => PartText(part.Field, part.Value))];
    }

    private string PartText(string field, JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
            return part.GetString()!;
        if (part.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(field, "a text part", part);
            return "";
        }

        var hasType = part.TryGetProperty("type", out var named) && named.ValueKind == JsonValueKind.String;
        var type = hasType ? named.GetString()! : "input_text";
        var key = type switch
        {
            "input_text" or "output_text" or "text" or "reasoning_text" or "summary_text" => "text",
            "refusal" => "refusal",
            _ => null,
        };
        if (key is null)
        {
            fields.Refuse($"{field}.type", $"'{BoundedText.Cut(type, 40)}' is not supported; only text is", ViolationReason.Unsupported);
            return "";
        }

        if (part.TryGetProperty(key, out var text))
            return fields.Text($"{field}.{key}", text) ?? "";
        fields.Refuse($"{field}.{key}", "is missing", ViolationReason.Missing);
        return "";
    }

    private string IdOf(JsonElement item, string prefix) =>
        item.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
            && id.GetString() is { Length: > 0 and <= IdCharactersMax } given
            ? given : NewId(prefix);

    // Those of the answer are counted from 0.
    private string NewId(string prefix) => ItemIds.Item(prefix, responseId, 0x8000 + _count++);
}

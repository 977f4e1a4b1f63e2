using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>The content of a turn, of the system prompt or of a tool's result: a text, or a list of blocks.</summary>
internal sealed class BlockReader(RequestFields fields)
{
    private const int TypeShownMax = 40;

    /// <summary>The blocks of a content that can be used; the others are violations.</summary>
    /// <param name="path">Where it stands.</param>
    /// <param name="content">A text or an array.</param>
    /// <param name="role">Whose turn it is: <c>system</c> and <c>tool</c> hold texts only.</param>
    public IEnumerable<Block> Read(string path, JsonElement content, string role)
    {
        if (content.ValueKind == JsonValueKind.String)
            return [new Block(path) { Text = content.GetString() }];
        if (content.ValueKind == JsonValueKind.Array)
            return [.. fields.Items(path, content).Select(item => ReadBlock(item.Field, item.Value, role)).OfType<Block>()];
        fields.RefuseType(path, "a string or an array of content blocks", content);
        return [];
    }

    private Block? ReadBlock(string path, JsonElement block, string role)
    {
        if (block.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(path, "a content block", block);
            return null;
        }

        var type = block.TryGetProperty("type", out var kind) && kind.ValueKind == JsonValueKind.String ? kind.GetString()! : "";
        switch (type, role)
        {
            case ("text", _):
                return new Block(path) { Text = TextOf(path, block, "text") };
            case ("document", not "assistant") when PlainText(block) is { } text:
                return new Block(path) { Text = text };
            case ("tool_result", "user"):
                return ReadResult(path, block);
            case ("tool_use", "assistant"):
                return ReadCall(path, block);
            case ("thinking", "assistant"):
                return new Block(path) { Thinking = TextOf(path, block, "thinking") };
            case ("redacted_thinking", "assistant"):
                return new Block(path) { Thinking = "" };
            default:
                Refuse(path, type, role);
                return null;
        }
    }

    private void Refuse(string path, string type, string role)
    {
        if (type.Length == 0)
        {
            fields.Refuse($"{path}.type", "is missing", ViolationReason.Missing);
            return;
        }

        var reason = type switch
        {
            "image" => "is not supported: of a model that sees images, too, the text model alone is served",
            "document" => "is supported with a source of type 'text' only",
            "text" or "tool_result" or "tool_use" or "thinking" or "redacted_thinking" => $"does not belong into a turn of the role {role}",
            _ => "is not supported; text, tool_use, tool_result and thinking blocks are",
        };
        fields.Refuse($"{path}.type", $"'{BoundedText.Cut(type, TypeShownMax)}' {reason}", ViolationReason.Unsupported);
    }

    private Block ReadResult(string path, JsonElement block)
    {
        string[] parts = [];
        if (block.TryGetProperty("content", out var content) && content.ValueKind != JsonValueKind.Null)
            parts = [.. Read($"{path}.content", content, "tool").Select(part => part.Text ?? "")];
        if (block.TryGetProperty("is_error", out var isError) && isError.ValueKind != JsonValueKind.Null)
            fields.Flag($"{path}.is_error", isError);
        return new Block(path) { ResultOf = TextOf(path, block, "tool_use_id"), Parts = parts };
    }

    private Block ReadCall(string path, JsonElement block)
    {
        var arguments = "{}";
        if (block.TryGetProperty("input", out var input) && input.ValueKind != JsonValueKind.Null)
            arguments = fields.ObjectText($"{path}.input", input) ?? "{}";
        return new Block(path) { Call = new ChatToolCall(TextOf(path, block, "id"), TextOf(path, block, "name"), arguments) };
    }

    private string TextOf(string path, JsonElement block, string key)
    {
        if (block.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null)
            return fields.Text($"{path}.{key}", value) ?? "";
        fields.Refuse($"{path}.{key}", "is missing", ViolationReason.Missing);
        return "";
    }

    /// <summary>The text of a document that is one; null for any other.</summary>
    private static string? PlainText(JsonElement document) =>
        document.TryGetProperty("source", out var source) && source.ValueKind == JsonValueKind.Object
        && source.TryGetProperty("type", out var type) && RequestFields.Is(type, "text")
        && source.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.String
            ? data.GetString()
            : null;
}

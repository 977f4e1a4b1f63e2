using System.Text;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>
/// The turns of a request as messages of a chat: a user's turn holds results of tools, which chats have as messages of their own, and
/// neighbours of one role are one turn.
/// </summary>
internal sealed class TurnReader(RequestFields fields)
{
    private const int RoleShownMax = 40;

    private readonly List<ChatMessage> _messages = [];
    private readonly List<string> _places = [];
    private readonly Dictionary<string, string> _toolNames = new(StringComparer.Ordinal);
    private readonly BlockReader _blocks = new(fields);
    private OpenTurn? _open;

    /// <summary>The messages, in their order.</summary>
    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>Where each of them began.</summary>
    public IReadOnlyList<string> Places => _places;

    /// <summary>The answer goes on from what the last turn, the assistant's own, begins.</summary>
    public bool Continues => _messages is [.., { Role: "assistant" }];

    public void Read(string path, JsonElement list)
    {
        var count = 0;
        foreach (var (field, turn) in fields.Items(path, list))
        {
            count++;
            ReadTurn(field, turn);
        }

        Close();
        if (count == 0 && list.ValueKind == JsonValueKind.Array)
            fields.Refuse(path, "must hold at least one message", ViolationReason.ListTooShort);
        if (!Continues)
            return;
        if (_messages[^1].ToolCalls.Count > 0)
            fields.Refuse(_places[^1], "ends with a tool_use that no tool_result answers");
        // What is continued is one text: between parts a template may write something.
        _messages[^1] = _messages[^1] with { Content = _messages[^1].Content ?? string.Concat(_messages[^1].Parts), Parts = [] };
    }

    private void ReadTurn(string path, JsonElement turn)
    {
        string? role = null;
        JsonElement? content = null;
        foreach (var (name, field, value) in fields.Members(path, turn))
        {
            if (name == "role")
                role = fields.Text(field, value);
            else if (name == "content")
                content = value;
        }

        if (turn.ValueKind != JsonValueKind.Object)
            return;
        if (role is null)
            fields.Refuse($"{path}.role", "is missing", ViolationReason.Missing);
        else if (role is not ("user" or "assistant" or "system"))
            fields.Refuse($"{path}.role", $"'{BoundedText.Cut(role, RoleShownMax)}' is unknown; use user or assistant");
        else if (content is not { } blocks)
            fields.Refuse($"{path}.content", "is missing", ViolationReason.Missing);
        else
            ReadBlocks(path, role, blocks);
    }

    private void ReadBlocks(string path, string role, JsonElement content)
    {
        var isEmpty = true;
        foreach (var block in _blocks.Read($"{path}.content", content, role))
        {
            isEmpty = false;
            if (block.ResultOf is { } id)
                AddResult(block, id);
            else
                Add(Open(role, path), block);
        }

        // A turn is there even if it says nothing.
        if (isEmpty)
            Open(role, path);
    }

    private void Add(OpenTurn turn, Block block)
    {
        if (block.Call is { } call)
        {
            _toolNames[call.Id] = call.Name;
            turn.Calls.Add(call);
        }
        else if (block.Thinking is { } thinking)
        {
            turn.Thought.Append(thinking);
        }
        else
        {
            turn.Parts.Add(block.Text ?? "");
        }
    }

    private void AddResult(Block block, string id)
    {
        Close();
        if (!_toolNames.TryGetValue(id, out var name))
        {
            fields.Refuse($"{block.Field}.tool_use_id", "is the id of no tool_use in a turn before");
            return;
        }

        _messages.Add(WithText(new ChatMessage { Role = "tool", ToolCallId = id, Name = name }, block.Parts));
        _places.Add(block.Field);
    }

    private OpenTurn Open(string role, string path)
    {
        if (_open?.Role == role)
            return _open;
        Close();
        return _open = new OpenTurn(role, path);
    }

    private void Close()
    {
        if (_open is not { } turn)
            return;
        _open = null;
        _places.Add(turn.Place);
        _messages.Add(WithText(
            new ChatMessage
            {
                Role = turn.Role,
                ToolCalls = turn.Calls,
                ReasoningContent = turn.Thought.Length > 0 ? turn.Thought.ToString() : null,
            },
            turn.Parts));
    }

    /// <summary>Templates read the text of every message, so one without any has an empty one.</summary>
    private static ChatMessage WithText(ChatMessage message, IReadOnlyList<string> parts) => parts.Count switch
    {
        0 => message with { Content = "" },
        1 => message with { Content = parts[0] },
        _ => message with { Parts = parts },
    };

    /// <summary>A turn that may go on.</summary>
    private sealed class OpenTurn(string role, string place)
    {
        public string Role => role;

        public string Place => place;

        public List<string> Parts { get; } = [];

        public List<ChatToolCall> Calls { get; } = [];

        public StringBuilder Thought { get; } = new();
    }
}

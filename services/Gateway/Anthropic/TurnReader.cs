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
    private readonly List<ChatMessage> _messages = [];
    private readonly List<string> _places = [];
    private readonly Dictionary<string, string> _toolNames = new(StringComparer.Ordinal);
    private readonly BlockReader _blocks = new(fields);
    private bool _callsLast;

    /// <summary>The turns read so far, in their order.</summary>
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

        if (count == 0 && list.ValueKind == JsonValueKind.Array)
            fields.Refuse(path, "must hold at least one message", ViolationReason.ListTooShort);
        if (Continues && _callsLast)
            fields.Refuse(_places[^1], "ends with a tool_use that no tool_result answers");
        else if (Continues)
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
        if (role is not ("user" or "assistant" or "system"))
        {
            fields.Refuse($"{path}.role", role is null ? "is missing" : $"'{BoundedText.Cut(role, 40)}' is unknown; use user or assistant",
                role is null ? ViolationReason.Missing : ViolationReason.Value);
            return;
        }

        if (content is not { } blocks)
        {
            fields.Refuse($"{path}.content", "is missing", ViolationReason.Missing);
            return;
        }

        var turnText = new ChatMessage { Role = role };
        foreach (var block in _blocks.Read($"{path}.content", blocks, role))
        {
            if (block.ResultOf is { } id)
            {
                AddText(path, turnText);
                turnText = new ChatMessage { Role = role };
                AddResult(block, id);
            }
            else
            {
                turnText = With(turnText, block);
            }
        }

        AddText(path, turnText, always: role == "assistant" || _messages.Count == 0 || _messages[^1].Role is not ("user" or "tool"));
    }

    private ChatMessage With(ChatMessage message, Block block)
    {
        if (block.Call is { } call)
        {
            _toolNames[call.Id] = call.Name;
            return message with { ToolCalls = [.. message.ToolCalls, call] };
        }

        return block.Thinking is { } thinking
            ? message with { ReasoningContent = message.ReasoningContent + thinking }
            : message with { Parts = [.. message.Parts, block.Text ?? ""] };
    }

    private void AddResult(Block block, string id)
    {
        if (!_toolNames.TryGetValue(id, out var name))
        {
            fields.Refuse($"{block.Field}.tool_use_id", "is the id of no tool_use in a turn before");
            return;
        }

        _messages.Add(new ChatMessage
        {
            Role = "tool", ToolCallId = id, Name = name, Content = block.Parts.Count == 1 ? block.Parts[0] : null,
            Parts = block.Parts.Count == 1 ? [] : block.Parts,
        });
        _places.Add(block.Field);
        if (block.Parts.Count == 0)
            _messages[^1] = _messages[^1] with { Content = "" };
    }

    /// <summary>A turn's text and calls, joined with those before it of the same role.</summary>
    private void AddText(string path, ChatMessage turn, bool always = false)
    {
        if (turn.Parts.Count + turn.ToolCalls.Count == 0 && turn.ReasoningContent is null && !always)
            return;
        _callsLast = turn.ToolCalls.Count > 0;
        if (_messages is [.., var last] && last.Role == turn.Role)
        {
            string[] parts = [.. last.Content is { Length: > 0 } text ? [text] : last.Parts, .. turn.Parts];
            turn = last with
            {
                Content = null,
                Parts = parts,
                ToolCalls = [.. last.ToolCalls, .. turn.ToolCalls],
                ReasoningContent = last.ReasoningContent is null ? turn.ReasoningContent : last.ReasoningContent + turn.ReasoningContent,
            };
            _messages[^1] = Settled(turn);
            return;
        }

        _messages.Add(Settled(turn));
        _places.Add(path);
    }

    /// <summary>Templates read the text of every message, so one without any has an empty one.</summary>
    private static ChatMessage Settled(ChatMessage turn) => turn.Parts.Count switch
    {
        0 => turn with { Content = "" },
        1 => turn with { Content = turn.Parts[0], Parts = [] },
        _ => turn,
    };
}

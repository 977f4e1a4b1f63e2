using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>Items as the messages that a chat template reads: what the model thought, said and called in one go is one message.</summary>
internal static class ItemConversation
{
    /// <param name="instructions">The first system message, or null.</param>
    /// <param name="items">In their order.</param>
    /// <param name="fields">Hears of results of calls that nobody has made.</param>
    public static IReadOnlyList<ChatMessage> Messages(string? instructions, IReadOnlyList<ResponseItem> items, RequestFields fields)
    {
        var messages = new List<ChatMessage>();
        var calls = new HashSet<string>(StringComparer.Ordinal);
        string? reasoning = null;
        if (!string.IsNullOrEmpty(instructions))
            messages.Add(new ChatMessage { Role = "system", Content = instructions });
        foreach (var item in items)
        {
            switch (item)
            {
                case ResponseItem.Reasoning thought:
                    reasoning += string.Concat(thought.Texts.Count > 0 ? thought.Texts : thought.Summary);
                    break;
                case ResponseItem.Message message:
                    var isAnswer = message.Role == "assistant";
                    messages.Add(Said(message) with { ReasoningContent = isAnswer ? Take(ref reasoning) : null });
                    break;
                case ResponseItem.FunctionCall call:
                    calls.Add(call.CallId);
                    Call(messages, new ChatToolCall(call.CallId, call.Name, call.Arguments), Take(ref reasoning));
                    break;
                case ResponseItem.FunctionOutput output:
                    if (!calls.Contains(output.CallId))
                        fields.Refuse(
                            "input", $"holds the output of call '{BoundedText.Cut(output.CallId, 80)}', which no item before it makes");
                    messages.Add(Texts(new ChatMessage { Role = "tool", ToolCallId = output.CallId }, output.Texts));
                    break;
            }
        }

        return messages;
    }

    private static void Call(List<ChatMessage> messages, ChatToolCall call, string? reasoning)
    {
        // Further calls, and one behind a text, belong to the message that is there, unless new thoughts came between.
        if (reasoning is null && messages is [.., { Role: "assistant" } last])
            messages[^1] = last with { ToolCalls = [.. last.ToolCalls, call] };
        else
            messages.Add(new ChatMessage { Role = "assistant", Content = "", ToolCalls = [call], ReasoningContent = reasoning });
    }

    private static ChatMessage Said(ResponseItem.Message message) =>
        // OpenAI's newer name for the system role; the templates know the older one.
        Texts(new ChatMessage { Role = message.Role == "developer" ? "system" : message.Role }, message.Texts);

    private static ChatMessage Texts(ChatMessage message, IReadOnlyList<string> texts) => texts.Count switch
    {
        0 => message with { Content = "" },
        1 => message with { Content = texts[0] },
        _ => message with { Parts = texts },
    };

    private static string? Take(ref string? reasoning)
    {
        var taken = reasoning;
        reasoning = null;
        return taken;
    }
}

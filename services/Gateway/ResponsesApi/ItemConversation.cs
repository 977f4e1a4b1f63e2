using System.Text;
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
        var reasoning = new StringBuilder();
        // Grows with the last message: a history may have as many calls as its body has room for.
        List<ChatToolCall>? open = null;
        if (!string.IsNullOrEmpty(instructions))
            messages.Add(new ChatMessage { Role = "system", Content = instructions });
        foreach (var item in items)
        {
            switch (item)
            {
                case ResponseItem.Reasoning thought:
                    reasoning.AppendJoin("", thought.Texts.Count > 0 ? thought.Texts : thought.Summary);
                    open = null;
                    break;
                case ResponseItem.Message message:
                    var isAnswer = message.Role == "assistant";
                    open = isAnswer ? [] : null;
                    messages.Add(Said(message) with { ToolCalls = open ?? [], ReasoningContent = isAnswer ? Take(reasoning) : null });
                    break;
                case ResponseItem.Compaction compaction:
                    open = null;
                    reasoning.Clear();
                    JoinQuestions(messages);
                    messages.Add(new ChatMessage { Role = "assistant", Content = compaction.Text });
                    break;
                case ResponseItem.FunctionCall call:
                    calls.Add(call.CallId);
                    if (open is null)
                    {
                        // Further calls, and one behind a text, belong to the message that is there.
                        open = [];
                        messages.Add(new ChatMessage
                        {
                            Role = "assistant",
                            Content = "",
                            ToolCalls = open,
                            ReasoningContent = Take(reasoning),
                        });
                    }

                    open.Add(new ChatToolCall(call.CallId, call.Name, call.Arguments));
                    break;
                case ResponseItem.FunctionOutput output:
                    if (!calls.Contains(output.CallId))
                        fields.Refuse(
                            "input", $"holds the output of call '{BoundedText.Cut(output.CallId, 80)}', which no item before it makes");
                    open = null;
                    messages.Add(Texts(new ChatMessage { Role = "tool", ToolCallId = output.CallId }, output.Texts));
                    break;
            }
        }

        return messages;
    }

    /// <summary>Questions whose answers were compacted are one: many templates want turns that alternate.</summary>
    private static void JoinQuestions(List<ChatMessage> messages)
    {
        var start = messages.FindLastIndex(message => message.Role != "user") + 1;
        if (messages.Count - start < 2)
            return;
        var texts = messages.Skip(start).SelectMany(message => message.Content is null ? message.Parts : [message.Content]).ToList();
        messages.RemoveRange(start, messages.Count - start);
        messages.Add(Texts(new ChatMessage { Role = "user" }, texts));
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

    private static string? Take(StringBuilder reasoning)
    {
        if (reasoning.Length == 0)
            return null;
        var taken = reasoning.ToString();
        reasoning.Clear();
        return taken;
    }
}

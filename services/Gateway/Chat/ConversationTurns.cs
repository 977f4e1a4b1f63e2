namespace Parley.Gateway.Chat;

/// <summary>
/// The turns of a conversation: a message of the user with all that answers it, calls and their results included. What stands before the
/// first of them, and every system message, belongs to none and stays.
/// </summary>
internal static class ConversationTurns
{
    /// <summary>Where each turn starts.</summary>
    public static IReadOnlyList<int> Starts(IReadOnlyList<ChatMessage> messages)
    {
        var starts = new List<int>();
        for (var index = 0; index < messages.Count; index++)
        {
            // Messages of the user that follow each other are one turn: templates want the answer behind them.
            if (messages[index].Role == "user" && (index == 0 || messages[index - 1].Role != "user"))
                starts.Add(index);
        }

        return starts;
    }

    /// <summary>The messages without the first so many turns.</summary>
    public static IReadOnlyList<ChatMessage> Without(IReadOnlyList<ChatMessage> messages, IReadOnlyList<int> starts, int turns) =>
        [.. messages.Where((message, index) => index >= starts[turns] || message.Role == "system")];
}

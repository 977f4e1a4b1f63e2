namespace Parley.Gateway.ResponsesApi;

/// <summary>What a conversation of the Responses API is made of; an answer is such items too.</summary>
internal abstract record ResponseItem(string Id)
{
    /// <summary>What somebody says.</summary>
    /// <param name="Id">Its id.</param>
    /// <param name="Role"><c>user</c>, <c>assistant</c>, <c>system</c> or <c>developer</c>.</param>
    /// <param name="Texts">Its parts; the last of an assistant's may be a refusal, which is text as well.</param>
    internal sealed record Message(string Id, string Role, IReadOnlyList<string> Texts) : ResponseItem(Id);

    /// <summary>The model calls a function.</summary>
    internal sealed record FunctionCall(string Id, string CallId, string Name, string Arguments) : ResponseItem(Id);

    /// <summary>What the function gave.</summary>
    internal sealed record FunctionOutput(string Id, string CallId, IReadOnlyList<string> Texts) : ResponseItem(Id);

    /// <summary>What stands in the place of turns before it: the model's summary of them.</summary>
    internal sealed record Compaction(string Id, string Text) : ResponseItem(Id);

    /// <summary>What the model thought.</summary>
    internal sealed record Reasoning(string Id, IReadOnlyList<string> Texts, IReadOnlyList<string> Summary) : ResponseItem(Id);
}

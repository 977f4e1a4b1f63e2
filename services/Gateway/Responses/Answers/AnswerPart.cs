namespace Parley.Gateway.Responses.Answers;

/// <summary>What an answer has told its reader; nothing of it is ever taken back.</summary>
internal abstract record AnswerPart
{
    /// <summary>More text.</summary>
    internal sealed record Content(string Text) : AnswerPart;

    /// <summary>More of what the model thinks before it answers.</summary>
    internal sealed record Reasoning(string Text) : AnswerPart;

    /// <summary>A call begins.</summary>
    /// <param name="Index">From 0, in the order of their beginnings.</param>
    /// <param name="Id">Unique.</param>
    /// <param name="Name">Of the function.</param>
    internal sealed record CallStarted(int Index, string Id, string Name) : AnswerPart;

    /// <summary>More of a call's arguments, which together are one JSON text.</summary>
    internal sealed record CallArguments(int Index, string Text) : AnswerPart;

    /// <summary>A call has turned out to be none; what was written is told as content.</summary>
    internal sealed record CallDropped(int Index) : AnswerPart;
}

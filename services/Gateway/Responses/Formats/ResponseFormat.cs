using Parley.Gateway.Responses.Templates;

namespace Parley.Gateway.Responses.Formats;

/// <summary>How answers of a model are written: what reads them, and what its calls look like.</summary>
/// <param name="Name">Of ours; <c>own</c> where the model or its package describes itself.</param>
/// <param name="Template">Reads an answer.</param>
internal sealed record ResponseFormat(string Name, ResponseTemplate Template)
{
    /// <summary>The format of a template that came with the model.</summary>
    public const string OwnName = "own";

    /// <summary>Letters and digits of a call's id, where the chat template takes only so many; null is ours.</summary>
    public int? CallIdCharacters { get; init; }

    /// <summary>How calls are written; null where that is not described.</summary>
    public CallGrammar? Calls { get; init; }

    /// <summary>How reasoning is written; null where there is none.</summary>
    public ReasoningGrammar? Reasoning { get; init; }

    /// <summary>What content stands in; null where it is what is nothing else.</summary>
    public ContentGrammar? Content { get; init; }

    /// <summary>The format is for chat templates that hold all of these,</summary>
    public IReadOnlyList<string> All { get; init; } = [];

    /// <summary>and one of these, if there are any,</summary>
    public IReadOnlyList<string> Any { get; init; } = [];

    /// <summary>and none of these.</summary>
    public IReadOnlyList<string> None { get; init; } = [];

    /// <summary>The lower is tried first.</summary>
    public int Order { get; init; }

    /// <summary>Whether a chat template's source says that its model answers so.</summary>
    public bool Fits(string chatTemplate)
    {
        bool Holds(string mark) => chatTemplate.Contains(mark, StringComparison.Ordinal);
        return All.Count + Any.Count > 0 && All.All(Holds) && (Any.Count == 0 || Any.Any(Holds)) && !None.Any(Holds);
    }
}

using Parley.Gateway.Responses.Tags;

namespace Parley.Gateway.Chat;

/// <summary>What an answer must be (docs/guides.md); the Generator enforces it token by token.</summary>
/// <param name="Kind">What it is written in.</param>
/// <param name="Texts">The schema, expression, grammar or structural tag; of a choice, all its texts.</param>
/// <param name="Field">The field that it came in, for refusals.</param>
internal sealed record ChatGuide(GuideKind Kind, IReadOnlyList<string> Texts, string Field)
{
    /// <summary>What a grammar is written in; unspecified, its text tells.</summary>
    public GrammarSyntax Syntax { get; init; }

    /// <summary>Of a structural tag that was made of a request: the guide of its content, for refusals.</summary>
    public ChatGuide? Content { get; init; }

    /// <summary>The same of its calls.</summary>
    public IReadOnlyList<ToolFunction> Functions { get; init; } = [];

    /// <summary>Any JSON object.</summary>
    public static ChatGuide AnyObject(string field) => new(GuideKind.JsonSchema, ["""{"type":"object"}"""], field);

    /// <summary>Whether another asks for the same.</summary>
    public bool IsSameAs(ChatGuide other) => Kind == other.Kind && Syntax == other.Syntax && Texts.SequenceEqual(other.Texts);
}

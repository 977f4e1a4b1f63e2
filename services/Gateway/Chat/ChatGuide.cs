namespace Parley.Gateway.Chat;

/// <summary>What an answer must be (docs/guides.md); the Generator enforces it token by token.</summary>
/// <param name="Kind">What it is written in.</param>
/// <param name="Texts">The schema, expression, grammar or structural tag; of a choice, all its texts.</param>
/// <param name="Field">The field that it came in, for refusals.</param>
internal sealed record ChatGuide(GuideKind Kind, IReadOnlyList<string> Texts, string Field)
{
    /// <summary>What a grammar is written in; unspecified, its text tells.</summary>
    public GrammarSyntax Syntax { get; init; }

    /// <summary>What the request asks for stands within a structural tag: places in refusals are within that.</summary>
    public bool IsWrapped { get; init; }

    /// <summary>Any JSON object.</summary>
    public static ChatGuide AnyObject(string field) => new(GuideKind.JsonSchema, ["""{"type":"object"}"""], field);

    /// <summary>Whether another asks for the same.</summary>
    public bool IsSameAs(ChatGuide other) => Kind == other.Kind && Syntax == other.Syntax && Texts.SequenceEqual(other.Texts);
}

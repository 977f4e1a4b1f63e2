using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Formats;

namespace Parley.Gateway.Responses.Tags;

/// <summary>
/// What an answer may be, as a structural tag: reasoning as long as it likes, then content, calls, or free text in which calls keep to
/// their functions' schemas.
/// </summary>
internal static class AnswerTag
{
    /// <summary>Writes it.</summary>
    /// <param name="format">Of the model.</param>
    /// <param name="reasoning">Where its reasoning stands.</param>
    /// <param name="content">What content must be; null for any text.</param>
    /// <param name="functions">What may be called; with any, the format must describe calls.</param>
    /// <param name="mustCall">There is no content, and at least one call.</param>
    /// <param name="single">There is at most one call.</param>
    /// <exception cref="TagException">A function cannot be enforced.</exception>
    public static JsonObject Write(
        ResponseFormat format, ReasoningPlace reasoning, JsonObject? content, IReadOnlyList<ToolFunction> functions, bool mustCall,
        bool single)
    {
        var calls = functions.Count > 0 ? new CallTags(format, functions) : null;
        var answer = mustCall ? calls!.All(single)
            : calls is null ? Framed(format, content ?? TagNode.AnyText())
            : content is not null ? TagNode.Or(Framed(format, content), calls.All(single))
            : format.Content is not null ? TagNode.Or(Framed(format, TagNode.AnyText()), calls.All(single))
            : calls.Within(single);
        return new JsonObject
        {
            ["type"] = "structural_tag",
            ["format"] = Reasoning(format.Reasoning, reasoning) is { } thinking ? TagNode.Sequence(thinking, answer) : answer,
        };
    }

    private static JsonObject? Reasoning(ReasoningGrammar? grammar, ReasoningPlace place)
    {
        if (grammar is null || place == ReasoningPlace.Over)
            return null;
        var next = Region(grammar, grammar.Open);
        var further = grammar.Repeats ? TagNode.Star(next) : TagNode.Optional(next);
        if (place == ReasoningPlace.Ahead)
            return further;
        var first = Region(grammar, "");
        return grammar.Repeats ? TagNode.Sequence(first, further) : first;
    }

    private static JsonObject Region(ReasoningGrammar grammar, string begin)
    {
        var region = TagNode.Tag(begin, TagNode.AnyText(), grammar.Close + grammar.AfterText);
        return grammar.AfterPattern.Length == 0 ? region : TagNode.Sequence(region, TagNode.Pattern(grammar.AfterPattern));
    }

    private static JsonObject Framed(ResponseFormat format, JsonObject content)
    {
        if (format.Content is not { } frame)
            return content;
        return frame.Close.Length > 0 ? TagNode.Tag(frame.Open, content, frame.Close) : TagNode.Sequence(TagNode.Text(frame.Open), content);
    }
}

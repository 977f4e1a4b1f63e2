using Parley.Gateway.Responses.Answers;
using Parley.Gateway.Responses.Formats;
using Parley.Gateway.Responses.Patterns;

namespace Parley.Gateway.Responses.Tags;

/// <summary>Finds where an answer stands in its reasoning when it begins.</summary>
internal static class ReasoningStart
{
    /// <param name="format">Of the model.</param>
    /// <param name="prompt">What the answer goes on from.</param>
    /// <param name="chatTemplate">The source of the chat template: one that never writes reasoning is of a model that has none.</param>
    public static ReasoningPlace Find(ResponseFormat format, string prompt, string chatTemplate)
    {
        if (format.Reasoning is not { } reasoning)
            return ReasoningPlace.Over;
        if (new AnswerReader(format, prompt, [], isSingle: false).IsReasoning)
            return ReasoningPlace.Open;
        if (format.Name != ResponseFormat.OwnName && !chatTemplate.Contains(reasoning.Open.Trim(), StringComparison.Ordinal))
            return ReasoningPlace.Over;
        try
        {
            var opening = format.Template.Opening(prompt, out var isAnchored);
            return isAnchored && opening.Contains(reasoning.Close, StringComparison.Ordinal) ? ReasoningPlace.Over : ReasoningPlace.Ahead;
        }
        catch (PatternException)
        {
            // Where the answer begins is not to be found: nothing is known of what the prompt has closed.
            return ReasoningPlace.Ahead;
        }
    }
}

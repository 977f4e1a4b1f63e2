using Parley.Gateway.Responses.Tags;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>A budget of reasoning in ids: the Generator reads no text.</summary>
internal sealed class ReasoningBudgets(TokenizerClient tokenizer)
{
    /// <summary>Refuses a budget for a model of which it is not known that and how it reasons.</summary>
    /// <exception cref="ChatException">It is not known.</exception>
    public static void Check(ChatRequest request, UpstreamPair pair)
    {
        if (request.ReasoningTokensMax is null)
            return;
        if (request.Sampling.Reasoning is not null)
        {
            throw new ChatException(ChatError.Invalid(new ChatViolation(
                "sampling.reasoning_budget", $"contradicts {request.ReasoningField}, which is turned into one")));
        }

        if (pair.Format?.Reasoning is not null)
            return;
        throw new ChatException(ChatError.Invalid(new ChatViolation(
            request.ReasoningField, $"cannot be kept: it is not known that {pair.Model} reasons, and how it writes it",
            ViolationReason.Unsupported)));
    }

    /// <summary>The request with its budget in ids.</summary>
    /// <param name="request">The request.</param>
    /// <param name="pair">Says how the model reasons.</param>
    /// <param name="prompt">The chat as the template wrote it.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="ChatException">A text has no ids, or a service is not there.</exception>
    public async Task<ChatRequest> ResolveAsync(
        ChatRequest request, UpstreamPair pair, string prompt, CancellationToken cancellationToken)
    {
        if (request.ReasoningTokensMax is not { } tokensMax || pair.Format is not { Reasoning: { } grammar } format)
            return request;
        // A model that has not shown in its template that it reasons may do it all the same; then the budget holds.
        var place = ReasoningStart.Find(format, prompt, grammar.Open);
        if (place == ReasoningPlace.Over)
            return request;
        IReadOnlyList<uint[]> openings = place == ReasoningPlace.Open && !grammar.Repeats
            ? [] : await tokenizer.FindOverlapsAsync(request, [grammar.Open], cancellationToken);
        var closings = await tokenizer.FindOverlapsAsync(request, [grammar.Close], cancellationToken);
        var closing = await tokenizer.EncodeAsync(request, grammar.Spent, cancellationToken);
        var budget = new ReasoningBudget(place == ReasoningPlace.Open, openings, closings, closing, tokensMax);
        return request with { Sampling = request.Sampling with { Reasoning = budget } };
    }
}

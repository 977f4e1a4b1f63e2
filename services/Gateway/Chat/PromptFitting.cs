using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>
/// (2, 3) A request's ids, held to the context. A prompt that leaves no room for one token is refused before it costs the Generator
/// anything, unless the request lets its oldest turns go: whole, a call with its answers, and never a system message or the last turn.
/// </summary>
internal sealed class PromptFitting(TokenizerClient tokenizer, UpstreamPair pair, int callerContextTokensMax)
{
    /// <summary>What an answer of no stated length is left of the context where turns go for it anyway.</summary>
    private const uint AnswerPart = 8;

    /// <summary>The request as it is answered, and its ids.</summary>
    /// <exception cref="ChatException">It does not fit, or a service refuses it.</exception>
    public async Task<(ChatRequest Request, EncodedPrompt Prompt)> EncodeAsync(
        ChatRequest request, bool withText, CancellationToken cancellationToken)
    {
        if (request.Prompt is { } raw)
        {
            var given = await tokenizer.EncodePromptAsync(request, raw, pair.Tokenizer.TokenizerSha256, cancellationToken);
            CheckContext(given, ContextOf(request));
            return (WithRoom(request, given), given);
        }

        var prompt = await tokenizer.EncodeChatAsync(request, withText, cancellationToken);
        var context = request.DropsOldestTurns ? FittingContextOf(request) : ContextOf(request);
        if (request.DropsOldestTurns && context > 0 && prompt.Ids.Count >= context)
            (request, prompt) = await DropAsync(request, prompt, context, withText, cancellationToken);
        CheckContext(prompt, ContextOf(request));
        return (WithRoom(request, prompt), prompt);
    }

    /// <summary>A context of the request's own ends its answer; the model's is the Generator's to keep.</summary>
    private static ChatRequest WithRoom(ChatRequest request, EncodedPrompt prompt)
    {
        if (request.ContextTokensMax is not { } context || prompt.Ids.Count >= context)
            return request;
        var left = context - (uint)prompt.Ids.Count;
        return request with { Sampling = request.Sampling with { MaxTokens = Math.Min(request.Sampling.MaxTokens ?? left, left) } };
    }

    /// <summary>The fewest turns that leave room for the answer; where even all but the last leave none, those.</summary>
    private async Task<(ChatRequest, EncodedPrompt)> DropAsync(
        ChatRequest request, EncodedPrompt prompt, uint context, bool withText, CancellationToken cancellationToken)
    {
        var room = Math.Clamp(request.Sampling.MaxTokens ?? context / AnswerPart, 1, Math.Max(1, context / 2));
        var turns = ConversationTurns.Starts(request.Conversation.Messages);
        var (best, bestPrompt) = (request, prompt);
        // Fewer turns are never longer, so the least number is found by halving.
        for (int least = 1, most = turns.Count - 1; least <= most;)
        {
            var middle = (least + most) / 2;
            var shorter = request with
            {
                Conversation = request.Conversation with
                {
                    Messages = ConversationTurns.Without(request.Conversation.Messages, turns, middle),
                },
            };
            var encoded = await tokenizer.EncodeChatAsync(shorter, withText, cancellationToken);
            if (encoded.Ids.Count + room <= context)
            {
                (best, bestPrompt) = (shorter, encoded);
                most = middle - 1;
                continue;
            }

            // The last of them may leave less than was wanted, and still be all that there is.
            if (middle == turns.Count - 1)
                (best, bestPrompt) = (shorter, encoded);
            least = middle + 1;
        }

        return (best, bestPrompt);
    }

    /// <summary>0 where there is no limit.</summary>
    private uint ContextOf(ChatRequest request) => Least(pair.Generator.ContextTokensMax, request.ContextTokensMax ?? 0);

    /// <summary>The caller's own context counts too: who lets turns go does not want to hear of it.</summary>
    private uint FittingContextOf(ChatRequest request) => Least(ContextOf(request), (uint)callerContextTokensMax);

    private static uint Least(uint one, uint other) => one == 0 ? other : other == 0 ? one : Math.Min(one, other);

    private void CheckContext(EncodedPrompt prompt, uint context)
    {
        if (prompt.Ids.Count == 0)
            throw new ChatException(ChatError.Invalid(
                new ChatViolation("chat.messages", "must hold at least one token", ViolationReason.TextTooShort)));
        if (context == 0 || prompt.Ids.Count < context)
            return;
        var violation = new ChatViolation(
            "chat.messages",
            $"must fit the context: {prompt.Ids.Count} tokens, and the context of {pair.Model} holds {context} with the answer");
        throw new ChatException(ChatError.Invalid([violation]) with { Kind = ChatErrorKind.ContextExceeded });
    }
}

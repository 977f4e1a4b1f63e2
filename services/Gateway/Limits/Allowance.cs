using System.Threading.RateLimiting;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Limits;

/// <summary>
/// One chat's part of what its caller may use: a place per choice, tokens of the prompt once they are counted, tokens of the answers as
/// they come. Used by the task that reads the chat's updates only.
/// </summary>
internal sealed class Allowance : IDisposable
{
    private readonly Callers _callers;
    private readonly Caller _caller;
    private readonly RateLimitLease? _places;
    private long _promptTokens;
    private long _answerTokens;
    private bool _isAccepted;

    private Allowance(Callers callers, Caller caller, RateLimitLease? places) => (_callers, _caller, _places) = (callers, caller, places);

    /// <summary>Holds a chat to its caller's models and messages, and takes places for its choices.</summary>
    /// <param name="callers">Everyone, and whose chat this is.</param>
    /// <param name="request">The chat.</param>
    /// <param name="servedNames">The served model's names, at least one.</param>
    /// <param name="retryAfter">When to try again where all places are taken.</param>
    /// <exception cref="ChatException">It is more than the caller may.</exception>
    public static Allowance Take(Callers callers, ChatRequest request, IReadOnlyList<string> servedNames, TimeSpan retryAfter)
    {
        var caller = callers.Current;
        if (!caller.MayAsk(request.Model, servedNames))
        {
            callers.Count(caller.Label, "denied");
            throw Denied(request.Model.Length > 0 ? request.Model : servedNames[0]);
        }

        if (caller.Limits.MessagesMax is > 0 and var most && request.Conversation.Messages.Count > most)
        {
            throw new ChatException(ChatError.Invalid(new ChatViolation(
                "chat.messages", $"must hold at most {most} with this key (they are {request.Conversation.Messages.Count})",
                ViolationReason.ListTooLong)));
        }

        if (caller.Choices is not null && request.Choices > caller.Limits.ConcurrentChoicesMax)
        {
            throw new ChatException(ChatError.Invalid(new ChatViolation(
                "n", $"must be at most {caller.Limits.ConcurrentChoicesMax} with this key (it is {request.Choices})",
                ViolationReason.IntegerTooLarge)));
        }

        var places = caller.Choices?.AttemptAcquire((int)request.Choices);
        if (places is null or { IsAcquired: true })
            return new Allowance(callers, caller, places);
        places.Dispose();
        callers.Count(caller.Label, "limited");
        throw Exhausted(
            $"This key may have {caller.Limits.ConcurrentChoicesMax} answers at once, and they are taken.", caller, retryAfter);
    }

    /// <summary>What a caller hears that may not use a model.</summary>
    public static ChatException Denied(string model) => new(new ChatError(
        ChatErrorKind.PermissionDenied, $"This key may not use the model '{BoundedText.Cut(model, 128)}'."));

    /// <summary>The chat in its caller's class of priority.</summary>
    public ChatRequest Prioritize(ChatRequest request) => _caller.Limits.Priority is not { } priority
        ? request
        : request with { Sampling = request.Sampling with { Priority = Math.Min(request.Sampling.Priority ?? priority, priority) } };

    /// <summary>Takes the prompt's tokens, and leaves the answer no more than the caller's context has left.</summary>
    /// <exception cref="ChatException">They are more than is left, or than there ever is.</exception>
    public ChatRequest Charge(ChatRequest request, int promptTokens)
    {
        var context = _caller.Limits.ContextTokensMax;
        if (context > 0 && promptTokens >= context)
            throw TooLong($"have {promptTokens} tokens, and this key may use {context} with the answer");
        if (_caller.Tokens is { } budget)
        {
            if (promptTokens > budget.Limit)
                throw TooLong($"have {promptTokens} tokens, and this key may use {budget.Limit} a minute");
            if (!budget.TryTake(promptTokens, out var wait))
            {
                _callers.Count(_caller.Label, "limited");
                throw Exhausted(
                    $"The prompt has {promptTokens} tokens, and of {budget.Limit} a minute this key has {budget.Look().Remaining} left.",
                    _caller, wait);
            }
        }

        _promptTokens = promptTokens;
        if (context == 0)
            return request;
        var left = (uint)(context - promptTokens);
        return request with { Sampling = request.Sampling with { MaxTokens = Math.Min(request.Sampling.MaxTokens ?? left, left) } };
    }

    /// <summary>The chat runs: what its prompt took is not given back.</summary>
    public void Accept()
    {
        _isAccepted = true;
        _callers.CountTokens(_caller, "input", _promptTokens);
    }

    /// <summary>Takes the tokens of an answer that have come.</summary>
    public void Use(ChatUpdate update)
    {
        // Tokens that end an answer, or that its stop string cut off, are in no delta.
        var tokens = update switch
        {
            ChatUpdate.Delta delta => delta.Ids.Length,
            ChatUpdate.Completed completed => Math.Max(0, completed.Usage.CompletionTokens - _answerTokens),
            _ => 0,
        };
        if (tokens == 0)
            return;
        _answerTokens += tokens;
        _caller.Tokens?.Take(tokens);
        _callers.CountTokens(_caller, "output", tokens);
    }

    public void Dispose()
    {
        _places?.Dispose();
        if (!_isAccepted)
            _caller.Tokens?.Take(-_promptTokens);
    }

    private static ChatException TooLong(string description) => new(
        ChatError.Invalid(new ChatViolation("chat.messages", description)) with { Kind = ChatErrorKind.ContextExceeded });

    private static ChatException Exhausted(string message, Caller caller, TimeSpan wait) => new(
        new ChatError(ChatErrorKind.Overloaded, message) { RetryAfter = wait, QuotaSubject = $"key:{caller.Name}" });
}

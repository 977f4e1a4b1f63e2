namespace Parley.Gateway;

/// <summary>What the Gateway logs: ids 2000 to 2099. Prompts and completions are never written.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "Tokenizer and Generator are paired: model {Model}, tokenizer {TokenizerSha256}")]
    public static partial void Paired(ILogger logger, string model, string tokenizerSha256);

    [LoggerMessage(2001, LogLevel.Warning, "Not ready: {Reason}")]
    public static partial void NotPaired(ILogger logger, string reason);

    [LoggerMessage(2010, LogLevel.Information, "Request {RequestId} refused ({Code}): {Reason}")]
    public static partial void Refused(ILogger logger, string requestId, string code, string reason);

    [LoggerMessage(2011, LogLevel.Warning, "Request {RequestId} not served ({Code}): {Reason}")]
    public static partial void NotServed(ILogger logger, string requestId, string code, string reason);

    [LoggerMessage(2012, LogLevel.Error, "Request {RequestId} failed ({Code}): {Reason}")]
    public static partial void Failed(ILogger logger, string requestId, string code, string reason, Exception? cause);

    [LoggerMessage(2013, LogLevel.Information, "Request {RequestId}: the caller left before the answer was complete")]
    public static partial void CallerGone(ILogger logger, string requestId);

    [LoggerMessage(2014, LogLevel.Debug, "Request {RequestId} completed: {PromptTokens} prompt and {CompletionTokens} completion tokens")]
    public static partial void Completed(ILogger logger, string requestId, uint promptTokens, uint completionTokens);

    [LoggerMessage(2015, LogLevel.Information, "Request {RequestId} given up: its caller read nothing for {Seconds} s")]
    public static partial void SlowReader(ILogger logger, string requestId, int seconds);

    [LoggerMessage(2016, LogLevel.Warning,
        "The response_template of {Model} cannot be used: {Fault}. One of Parley's own is used where the chat template fits one.")]
    public static partial void ResponseTemplateRefused(ILogger logger, string model, string fault);

    [LoggerMessage(2020, LogLevel.Information, "A Generator was found at {Address}")]
    public static partial void ReplicaFound(ILogger logger, string address);

    [LoggerMessage(2021, LogLevel.Information, "The Generator at {Address} is no longer named; it finishes what it has")]
    public static partial void ReplicaGone(ILogger logger, string address);

    [LoggerMessage(2022, LogLevel.Warning, "{Host} could not be looked up ({Error}); the Generators of before stay")]
    public static partial void NotResolved(ILogger logger, string host, System.Net.Sockets.SocketError error);

    [LoggerMessage(2023, LogLevel.Warning, "The Generator at {Address} failed again and again, and gets no requests for a while: {Reason}")]
    public static partial void BreakerOpened(ILogger logger, string address, string reason);

    [LoggerMessage(2024, LogLevel.Warning,
        "Request {RequestId} goes on at {Next} behind {Tokens} tokens of its answer; it was lost at {Address}: {Reason}")]
    public static partial void FailedOver(ILogger logger, string requestId, string address, string next, int tokens, string reason);

    [LoggerMessage(2025, LogLevel.Warning, "Request {RequestId} is lost: the budget of second attempts is spent (Gateway:FailoverRatio)")]
    public static partial void BudgetSpent(ILogger logger, string requestId);

    [LoggerMessage(2030, LogLevel.Information, "The file of keys was read again: {Count} keys are in force")]
    public static partial void KeysRead(ILogger logger, int count);

    [LoggerMessage(2031, LogLevel.Warning, "The file of keys has changed and cannot be used; the keys of before are in force. {Reason}")]
    public static partial void KeysKept(ILogger logger, string reason);

    [LoggerMessage(2032, LogLevel.Warning, "Tokens cannot be checked: {Authority} does not give its keys")]
    public static partial void ProviderAway(ILogger logger, string authority, Exception cause);

    [LoggerMessage(2040, LogLevel.Warning, "Response {ResponseId} could not be kept: the store failed")]
    public static partial void ResponseNotKept(ILogger logger, string responseId, Exception cause);

    /// <summary>A failed request, at the level that its author deserves.</summary>
    public static void RequestFailed(ILogger logger, string requestId, Chat.ChatError error, Exception? cause)
    {
        if (error.IsOurs)
            Failed(logger, requestId, error.Code, error.LogMessage, cause);
        else if (error.Retryable)
            NotServed(logger, requestId, error.Code, error.LogMessage);
        else
            Refused(logger, requestId, error.Code, error.LogMessage);
    }
}

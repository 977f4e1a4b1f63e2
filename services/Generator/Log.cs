namespace Parley.Generator;

/// <summary>Every message of the Generator; ids 3000 to 3099. Prompts and answers are never logged.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Information, "Loading {Model} ({Precision}) from {Directory}")]
    public static partial void Loading(ILogger logger, string model, string precision, string directory);

    [LoggerMessage(3001, LogLevel.Information,
        "Serving {Model} ({Precision}) on {Device}: context {ContextTokens} tokens, {KvBlocks} KV blocks of {KvBlockTokens} tokens "
        + "({KvMegabytes} MB), {RunningSequences} sequences at once; loaded in {LoadMs} ms, warmed up in {WarmUpMs} ms")]
    public static partial void Serving(
        ILogger logger, string model, string precision, string device, int contextTokens, int kvBlocks, int kvBlockTokens,
        long kvMegabytes, int runningSequences, long loadMs, long warmUpMs);

    [LoggerMessage(3020, LogLevel.Information,
        "Starting on {Runtime}; memory {MemoryMegabytes} MB ({MemorySource}), of it weights {WeightMegabytes} MB and KV cache {KvCache}; "
        + "package {Model} ({Precision}, importer {Importer}) in {Directory}")]
    public static partial void Starting(
        ILogger logger, string runtime, long memoryMegabytes, string memorySource, long weightMegabytes, string kvCache, string model,
        string precision, string importer, string directory);

    [LoggerMessage(3002, LogLevel.Critical, "The model cannot be served; the process stops")]
    public static partial void LoadFailed(ILogger logger, Exception exception);

    [LoggerMessage(3003, LogLevel.Debug, "{RequestId}: accepted, {PromptTokens} prompt tokens")]
    public static partial void Accepted(ILogger logger, string requestId, int promptTokens);

    [LoggerMessage(3004, LogLevel.Information, "{RequestId}: refused, {Reason}")]
    public static partial void Refused(ILogger logger, string requestId, string reason);

    [LoggerMessage(3005, LogLevel.Information, "{RequestId}: {Ending} after {PromptTokens} prompt and {CompletionTokens} answer tokens")]
    public static partial void SequenceEnded(ILogger logger, string requestId, string ending, int promptTokens, int completionTokens);

    [LoggerMessage(3006, LogLevel.Debug, "{RequestId}: preempted with {Tokens} tokens; it will be computed again")]
    public static partial void Preempted(ILogger logger, string requestId, int tokens);

    [LoggerMessage(3007, LogLevel.Error, "A step of {Sequences} sequences and {Tokens} tokens failed")]
    public static partial void StepFailed(ILogger logger, int sequences, int tokens, Exception exception);

    [LoggerMessage(3008, LogLevel.Error, "{RequestId}: {Reason}")]
    public static partial void ModelFault(ILogger logger, string requestId, string reason);

    [LoggerMessage(3009, LogLevel.Critical, "{Reason} The engine takes no more work: restart the process")]
    public static partial void Unhealthy(ILogger logger, string reason);

    [LoggerMessage(3010, LogLevel.Information, "Draining: {Running} sequences run, {Waiting} wait")]
    public static partial void Draining(ILogger logger, int running, int waiting);

    [LoggerMessage(3011, LogLevel.Information, "Stopped; {Failed} sequences had to be ended")]
    public static partial void Stopped(ILogger logger, int failed);

    [LoggerMessage(3013, LogLevel.Warning, "A KV block could not be copied; its tokens are computed instead")]
    public static partial void CopyFailed(ILogger logger, Exception exception);

    [LoggerMessage(3012, LogLevel.Critical, "The engine's thread failed: it takes no more work, restart the process")]
    public static partial void EngineFailed(ILogger logger, Exception exception);

    [LoggerMessage(3014, LogLevel.Information, "{RequestId}: {Reason}")]
    public static partial void NothingToChoose(ILogger logger, string requestId, string reason);

    [LoggerMessage(3015, LogLevel.Error, "{RequestId}: its part of a step failed; no other sequence is concerned")]
    public static partial void SequenceFailed(ILogger logger, string requestId, Exception exception);

    [LoggerMessage(3016, LogLevel.Warning, "Who listens to the figures failed")]
    public static partial void TelemetryFailed(ILogger logger, Exception exception);

    [LoggerMessage(3017, LogLevel.Error, "Who reads a stream failed")]
    public static partial void ReaderFailed(ILogger logger, Exception exception);

    [LoggerMessage(3019, LogLevel.Warning, "Guides cannot be used with this package: its tokenizer was not read")]
    public static partial void TokensNotRead(ILogger logger, Exception exception);

    [LoggerMessage(3021, LogLevel.Warning, "The model's own head for further tokens failed; its guesses: {Consequence}")]
    public static partial void GuessingFailed(ILogger logger, string consequence, Exception exception);

    [LoggerMessage(3018, LogLevel.Warning, "{Path}: not honoured, though it changes the model's answers: {Keys}")]
    public static partial void DefaultsNotHonoured(ILogger logger, string path, string keys);

    [LoggerMessage(
        3022, LogLevel.Information, "Adapter {Name}: rank {Rank}, {Linears} linears, {Bytes} bytes, from {Folder}")]
    public static partial void AdapterLoaded(ILogger logger, string name, int rank, int linears, long bytes, string folder);

    [LoggerMessage(3023, LogLevel.Information, "Adapter {Name} is unloaded; {Sequences} sequences still run with it")]
    public static partial void AdapterUnloaded(ILogger logger, string name, int sequences);
}

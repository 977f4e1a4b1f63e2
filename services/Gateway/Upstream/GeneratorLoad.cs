namespace Parley.Gateway.Upstream;

/// <summary>What the Generator has to do.</summary>
/// <param name="QueuedRequests">Requests that wait to run.</param>
/// <param name="QueuedPromptTokens">Prompt tokens of theirs.</param>
/// <param name="RunningSequences">Sequences that run.</param>
/// <param name="KvUtilization">Part of its KV blocks that sequences hold, 0 to 1.</param>
internal sealed record GeneratorLoad(int QueuedRequests, int QueuedPromptTokens, int RunningSequences, double KvUtilization);

namespace Parley.Generator.Scheduling;

/// <summary>What a policy knows about a running sequence.</summary>
/// <param name="PendingTokens">Tokens that it has still to read; 0 when it may not take part, because its reader is slow.</param>
/// <param name="IsDecoding">Somebody waits for its next token.</param>
internal readonly record struct SequenceDemand(int PendingTokens, bool IsDecoding);

namespace Parley.ModelHub.Protocol;

/// <summary>A request that waits before its next try.</summary>
/// <param name="Reason">What went wrong.</param>
/// <param name="Delay">How long it waits.</param>
/// <param name="Attempt">Which try failed, from 1.</param>
/// <param name="AttemptsMax">How many there are.</param>
public sealed record HubWait(string Reason, TimeSpan Delay, int Attempt, int AttemptsMax);

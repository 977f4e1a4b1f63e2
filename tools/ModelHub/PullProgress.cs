namespace Parley.ModelHub;

/// <summary>How far a pull is.</summary>
/// <param name="Stage">What it does: <c>check</c> (files that are there already) or <c>download</c>.</param>
/// <param name="BytesDone">Bytes of the stage that are done; may fall when a file has to be fetched anew.</param>
/// <param name="BytesTotal">All of them.</param>
/// <param name="Note">Why it waits, where it does.</param>
public readonly record struct PullProgress(string Stage, long BytesDone, long BytesTotal, string? Note = null);

namespace Parley.Embedded;

/// <summary>How far the model of a <see cref="ParleyChatClient"/> is on its way.</summary>
/// <param name="Stage">What is being done, e.g. <c>download</c>; null in a note.</param>
/// <param name="BytesDone">Bytes that are done.</param>
/// <param name="BytesTotal">Bytes in all; a new number is a new round of the stage.</param>
/// <param name="Note">A sentence for the one who waits; null in a report.</param>
public sealed record ParleyProgress(string? Stage, long BytesDone, long BytesTotal, string? Note);

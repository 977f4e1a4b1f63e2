namespace Parley.Gateway.Chat;

/// <summary>News of one tool call of an answer.</summary>
/// <param name="Index">From 0, in the order of their beginnings.</param>
/// <param name="Id">In a call's first delta only.</param>
/// <param name="Name">The function; in a call's first delta only.</param>
/// <param name="Arguments">More of its arguments; the pieces joined are a JSON object.</param>
/// <param name="IsDropped">It was none after all: what was written is content.</param>
internal sealed record ChatCallDelta(int Index, string? Id, string? Name, string Arguments, bool IsDropped = false);

namespace Parley.Gateway.Responses.Patterns;

/// <summary>What must follow or precede a place, or must not.</summary>
/// <param name="Pattern">Compiled by itself.</param>
/// <param name="LengthMax">Code points that it reads at most.</param>
/// <param name="IsAhead">It follows; else it precedes.</param>
/// <param name="IsNegative">It must not be there.</param>
internal sealed record PatternLook(Pattern Pattern, int LengthMax, bool IsAhead, bool IsNegative);

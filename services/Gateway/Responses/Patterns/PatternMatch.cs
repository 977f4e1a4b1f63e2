namespace Parley.Gateway.Responses.Patterns;

/// <summary>Where a pattern has matched.</summary>
/// <param name="Start">Its first UTF-16 unit.</param>
/// <param name="End">Behind its last.</param>
/// <param name="Slots">The beginning and end of each group that is kept, −1 where it took no part.</param>
internal readonly record struct PatternMatch(int Start, int End, int[] Slots)
{
    public int Length => End - Start;
}

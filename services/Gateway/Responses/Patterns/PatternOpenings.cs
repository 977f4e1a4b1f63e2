namespace Parley.Gateway.Responses.Patterns;

/// <summary>What a match of a program can begin with, so that text where none does is passed over at once.</summary>
internal static class PatternOpenings
{
    private const int SetsMax = 16;

    /// <summary>Null where a match may be empty, begins with a question about its place, or has too many beginnings.</summary>
    public static CharacterSet? Of(PatternStep[] steps)
    {
        var seen = new HashSet<int>();
        var open = new Stack<int>([0]);
        var sets = new List<CharacterSet>();
        while (open.TryPop(out var at))
        {
            if (!seen.Add(at))
                continue;
            switch (steps[at].Kind)
            {
                case PatternStepKind.One:
                    sets.Add(steps[at].Set!);
                    break;
                case PatternStepKind.Jump:
                    open.Push(steps[at].Next);
                    break;
                case PatternStepKind.Split:
                    open.Push(steps[at].Next);
                    open.Push(steps[at].Other);
                    break;
                case PatternStepKind.Save:
                    open.Push(at + 1);
                    break;
                default:
                    return null;
            }
        }

        var all = sets.Distinct().ToArray();
        return all.Length > SetsMax ? null : new CharacterSet(one => Array.Exists(all, set => set.Holds(one)));
    }
}

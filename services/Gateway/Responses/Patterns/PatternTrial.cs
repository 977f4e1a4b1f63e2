namespace Parley.Gateway.Responses.Patterns;

/// <summary>Tries a pattern on a whole text, way after way, as patterns with back references need; a budget bounds it.</summary>
internal sealed class PatternTrial(Pattern pattern, PatternBudget budget)
{
    /// <summary>The first match from an index on; null where there is none.</summary>
    public PatternMatch? Find(ReadOnlySpan<char> text, int from)
    {
        for (var start = from; start <= text.Length; start++)
        {
            if (start > 0 && start < text.Length && char.IsLowSurrogate(text[start]) && char.IsHighSurrogate(text[start - 1]))
                continue;
            if (Try(text, start, null) is { } match)
                return match;
        }

        return null;
    }

    /// <summary>Whether a match can begin at one index and end at another.</summary>
    public bool Matches(ReadOnlySpan<char> text, int start, int end) => Try(text, start, end) is not null;

    private PatternMatch? Try(ReadOnlySpan<char> text, int start, int? mustEnd)
    {
        var ways = new Stack<(int Step, int At, int[] Slots)>();
        var empty = new int[pattern.Slots];
        Array.Fill(empty, -1);
        ways.Push((0, start, empty));
        while (ways.TryPop(out var way))
        {
            var (step, at, slots) = way;
            var goesOn = true;
            while (goesOn)
            {
                budget.Spend(1);
                var one = pattern.Steps[step];
                switch (one.Kind)
                {
                    case PatternStepKind.Match when mustEnd is null || mustEnd == at:
                        return new PatternMatch(start, at, slots);
                    case PatternStepKind.Split:
                        ways.Push((one.Other, at, slots));
                        step = one.Next;
                        break;
                    case PatternStepKind.Jump:
                        step = one.Next;
                        break;
                    case PatternStepKind.Save:
                        slots = [.. slots];
                        slots[one.Next] = at;
                        step++;
                        break;
                    default:
                        goesOn = TryStep(one, text, slots, ref at);
                        step++;
                        break;
                }
            }
        }

        return null;
    }

    /// <summary>Whether a step that reads or asks can be taken.</summary>
    private bool TryStep(PatternStep step, ReadOnlySpan<char> text, int[] slots, ref int at)
    {
        switch (step.Kind)
        {
            case PatternStepKind.One:
                if (at >= text.Length || !step.Set!.Holds(CodePoints.At(text, at, out var length)))
                    return false;
                at += length;
                return true;
            case PatternStepKind.Place:
                return PatternPlaces.Is(step.Place, text, at, isWhole: true)!.Value;
            case PatternStepKind.Look:
                return PatternPlaces.Is(step.Look!, text, at, isWhole: true, budget)!.Value;
            case PatternStepKind.Reference:
                if (slots[step.Next] < 0 || slots[step.Next + 1] < 0)
                    return false;
                var read = text[slots[step.Next]..slots[step.Next + 1]];
                if (!text[at..].StartsWith(read))
                    return false;
                at += read.Length;
                return true;
            default:
                return false;
        }
    }
}

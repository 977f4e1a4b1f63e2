namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Times of day as RFC 3339 writes them, with an offset; the second 60 only where it is the last of a day in UTC.
/// </summary>
internal sealed class TimeAutomaton() : InternedAutomaton<TimeState>(TimeClasses, default)
{
    private const int Day = 24 * 60;
    private const int End8 = 8, Point = 9, Fraction = 10, OffsetBegin = 11, Last = 16;
    private static readonly byte[] TimeClasses = MakeClasses();
    private static readonly TimeState Dead = new(-1, 0, false, 0, 0, 0);

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => At(state).Place >= 0;

    /// <inheritdoc/>
    /// <remarks>No time has them.</remarks>
    public override bool TellsApart(CodePoints characters) => false;

    protected override TimeState Step(TimeState state, byte next)
    {
        var digit = next is >= (byte)'0' and <= (byte)'9' ? next - '0' : -1;
        switch (state.Place)
        {
            case 0 or 3 or 6 when digit >= 0:
                return digit <= (state.Place == 0 ? 2 : state.Place == 3 ? 5 : 6)
                    ? state with { Place = state.Place + 1, Digit = digit } : Dead;
            case 1 when digit >= 0:
                return Hours(state.Digit, digit) is { } hours ? state with { Place = 2, Minutes = hours * 60, Digit = 0 } : Dead;
            case 4 when digit >= 0:
                return state with { Place = 5, Minutes = state.Minutes + (state.Digit * 10) + digit, Digit = 0 };
            case 2 or 5 when next == ':':
                return state with { Place = state.Place + 1 };
            case 7 when digit >= 0 && (state.Digit < 6 || digit == 0):
                // But for a leap second, the minutes have no bearing on what follows.
                return state.Digit == 6 ? state with { Place = End8, Leap = true, Digit = 0 } : new TimeState(End8, 0, false, 0, 0, 0);
            case End8 when next == '.':
                return state with { Place = Point };
            case Point or Fraction when digit >= 0:
                return state with { Place = Fraction };
            case End8 or Fraction when next is (byte)'Z' or (byte)'z':
                return state.Leap && state.Minutes != Day - 1 ? Dead : new TimeState(Last, 0, false, 0, 0, 0);
            case End8 or Fraction when next is (byte)'+' or (byte)'-':
                return state with { Place = OffsetBegin, Sign = next == '+' ? 1 : -1 };
            case >= OffsetBegin and < Last:
                return Fits(StepOffset(state, next, digit));
            default:
                return Dead;
        }
    }

    protected override Verdict End(TimeState state) => state.Place == Last ? Verdict.True : Verdict.False;

    protected override Verdict? Settled(TimeState state) => state.Place < 0 ? Verdict.False : null;

    private static int? Hours(int tens, int ones) => (tens * 10) + ones is var hours && hours < 24 ? hours : null;

    private static TimeState StepOffset(TimeState state, byte next, int digit)
    {
        switch (state.Place - OffsetBegin)
        {
            case 0 or 3 when digit >= 0 && digit <= (state.Place == OffsetBegin ? 2 : 5):
                return state with { Place = state.Place + 1, Digit = digit };
            case 1 when digit >= 0 && Hours(state.Digit, digit) is { } hours:
                return state with { Place = state.Place + 1, Offset = hours * 60, Digit = 0 };
            case 2 when next == ':':
                return state with { Place = state.Place + 1 };
            case 4 when digit >= 0:
                return state with { Place = Last, Offset = state.Offset + (state.Digit * 10) + digit, Digit = 0 };
            default:
                return Dead;
        }
    }

    /// <summary>
    /// Of a leap second, only what can still become the last second of a day in UTC; of other times, only what still matters.
    /// </summary>
    private static TimeState Fits(TimeState state)
    {
        if (state.Place < 0)
            return Dead;
        if (!state.Leap)
            return state.Place is Last or OffsetBegin + 2 or OffsetBegin + 3 ? new TimeState(state.Place, 0, false, 0, 0, 0)
                : state with { Sign = 0, Offset = 0 };
        var wanted = state.Sign > 0 ? (state.Minutes + 1) % Day : Day - 1 - state.Minutes;
        var fits = (state.Place - OffsetBegin) switch
        {
            1 => wanted / 60 / 10 == state.Digit,
            2 or 3 => wanted / 60 == state.Offset / 60,
            4 => wanted / 60 == state.Offset / 60 && wanted % 60 / 10 == state.Digit,
            _ => wanted == state.Offset,
        };
        return !fits ? Dead : state.Place == Last ? new TimeState(Last, 0, false, 0, 0, 0) : state;
    }

    private static byte[] MakeClasses()
    {
        var classes = new byte[256];
        byte count = 0;
        foreach (var value in "0123456789:.+-Z"u8)
            classes[value] = ++count;
        classes['z'] = count;
        return classes;
    }
}

namespace Parley.Generator.Guides.Automata;

/// <summary>Whether a number is below (or above) a bound: digit by digit, exact for any size.</summary>
/// <param name="bound">The bound.</param>
/// <param name="order">−1: below it; 1: above it.</param>
internal sealed class BoundAutomaton(DecimalNumber bound, int order) : InternedAutomaton<BoundState>(NumberClasses.All, default)
{
    // Beyond this, more digits of an exponent change nothing any more.
    private readonly int _exponentMax = Math.Abs(bound.Point) + 2;
    private readonly string _whole = bound.Whole;
    private readonly string _fraction = bound.Fraction;

    protected override BoundState Step(BoundState state, byte next)
    {
        switch (next)
        {
            case (byte)'-':
                return state.Phase == BoundPhase.Exponent ? state with { ExponentNegative = true } : state with { Negative = true };
            case (byte)'.':
                return EndWhole(state) with { Phase = BoundPhase.Fraction };
            case (byte)'e' or (byte)'E':
                return state with { Phase = BoundPhase.Exponent };
            case >= (byte)'0' and <= (byte)'9':
                return Digit(state, next);
            default:
                return state;
        }
    }

    protected override Verdict End(BoundState state) => Math.Sign(Compare(state)) == order ? Verdict.True : Verdict.False;

    protected override Verdict? Settled(BoundState state)
    {
        if (state.Phase == BoundPhase.Exponent)
            return null;
        int? sure = null;
        if (bound.Sign > 0 && state.Negative)
            sure = -1;
        else if (bound.Sign < 0 && !state.Negative && state.WholeDigits > 0)
            sure = 1;
        else if (state.WholeDigits > _whole.Length && state.WholeDigits > 1)
            sure = state.Negative ? -1 : 1;
        if (sure is null)
            return null;
        return sure == order ? Verdict.True : Verdict.False;
    }

    private static sbyte Then(sbyte order, char mine, char bounds) => order != 0 ? order : (sbyte)Math.Sign(mine - bounds);

    private BoundState Digit(BoundState state, byte next)
    {
        var digit = (char)next;
        if (state.Phase == BoundPhase.Exponent)
            return state with { Exponent = Math.Min((state.Exponent * 10) + (digit - '0'), _exponentMax) };
        var nonZero = state.NonZero || digit != '0';
        if (nonZero)
        {
            var place = state.MantissaDigits;
            state = state with
            {
                MantissaOrder = Then(state.MantissaOrder, digit, place < bound.Digits.Length ? bound.Digits[place] : '0'),
                MantissaDigits = Math.Min(place + 1, bound.Digits.Length),
            };
        }

        if (state.Phase == BoundPhase.Fraction)
        {
            var place = state.FractionDigits;
            return state with
            {
                NonZero = nonZero,
                Order = Then(state.Order, digit, place < _fraction.Length ? _fraction[place] : '0'),
                FractionDigits = Math.Min(place + 1, _fraction.Length),
            };
        }

        var whole = state.WholeDigits;
        return state with
        {
            NonZero = nonZero,
            Order = whole < _whole.Length ? Then(state.Order, digit, _whole[whole]) : state.Order,
            WholeDigits = Math.Min(whole + 1, _whole.Length + 1),
        };
    }

    private BoundState EndWhole(BoundState state) => state with
    {
        Order = (sbyte)(state.WholeDigits > _whole.Length ? 1 : state.WholeDigits < _whole.Length ? -1 : state.Order),
        WholeDigits = _whole.Length,
    };

    private int Compare(BoundState state)
    {
        var sign = !state.NonZero ? 0 : state.Negative ? -1 : 1;
        if (sign != bound.Sign)
            return sign - bound.Sign;
        return sign == 0 ? 0 : sign * Magnitude(state);
    }

    private int Magnitude(BoundState state)
    {
        if (state.Phase == BoundPhase.Exponent)
        {
            // One digit stands before the point, so that the point stands behind it: 0.d × 10^(1 + exponent).
            var point = 1 + (state.ExponentNegative ? -state.Exponent : state.Exponent);
            if (point != bound.Point)
                return point - bound.Point;
            return state.MantissaOrder != 0 ? state.MantissaOrder : state.MantissaDigits < bound.Digits.Length ? -1 : 0;
        }

        if (state.Phase == BoundPhase.Whole)
            state = EndWhole(state);
        return state.Order != 0 ? state.Order : state.FractionDigits < _fraction.Length ? -1 : 0;
    }
}

using System.Numerics;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Whether a number is a multiple of divisor ÷ 10^places. A number with an exponent is left out of the language where that is asked.
/// </summary>
internal sealed class MultipleAutomaton : InternedAutomaton<MultipleState>
{
    private readonly long _divisor;
    private readonly int _places;

    private MultipleAutomaton(long divisor, int places)
        : base(NumberClasses.All, default) => (_divisor, _places) = (divisor, places);

    /// <summary>The automaton of a positive divisor.</summary>
    /// <exception cref="GuideException">The divisor has more than 15 digits.</exception>
    public static MultipleAutomaton Of(DecimalNumber divisor)
    {
        var (integer, places) = divisor.Scaled();
        if (integer > BigInteger.Pow(10, 15) || places > 30)
            throw new GuideException("", $"multipleOf {divisor.Plain()} has too many digits");
        return new MultipleAutomaton((long)integer, places);
    }

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state)
    {
        var at = At(state);
        if (at.Scientific || at.Finer)
            return false;
        if (!at.Behind)
            return true; // more digits reach every remainder, and where none may come the number is zero

        // The places that are left can add less than this to the remainder.
        var left = UInt128.One;
        var remainder = (UInt128)at.Remainder;
        for (var place = at.Places; place < _places; place++)
        {
            remainder = remainder * 10 % (UInt128)_divisor;
            left = UInt128.Min(left * 10, (UInt128)_divisor);
        }

        return ((UInt128)_divisor - remainder) % (UInt128)_divisor < left;
    }

    protected override MultipleState Step(MultipleState state, byte next)
    {
        if (next == '.')
            return state with { Behind = true };
        if (next is (byte)'e' or (byte)'E')
            return new MultipleState(0, 0, false, false, Scientific: true);
        if (next is < (byte)'0' or > (byte)'9' || state.Scientific)
            return state;
        if (state.Behind && state.Places == _places)
            return next == '0' ? state : state with { Finer = true };
        var remainder = (long)((((UInt128)state.Remainder * 10) + (uint)(next - '0')) % (UInt128)_divisor);
        return state with { Remainder = remainder, Places = state.Behind ? state.Places + 1 : 0 };
    }

    protected override Verdict End(MultipleState state)
    {
        if (state.Scientific)
            return Verdict.Unknown;
        if (state.Finer)
            return Verdict.False;
        var remainder = (UInt128)state.Remainder;
        for (var place = state.Places; place < _places; place++)
            remainder = remainder * 10 % (UInt128)_divisor;
        return remainder == 0 ? Verdict.True : Verdict.False;
    }

    protected override Verdict? Settled(MultipleState state) => null;
}

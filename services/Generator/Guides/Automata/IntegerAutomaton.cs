namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Whether a number is an integer. <c>3.0</c> is one to JSON Schema, but an integer is written without a fraction: neither "integer" nor
/// "not an integer" may rest on it, and the same holds for exponents that do not lead below one.
/// </summary>
internal sealed class IntegerAutomaton() : InternedAutomaton<IntegerStep>(NumberClasses.All, default)
{
    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => At(state).State == IntegerState.Plain;

    protected override IntegerStep Step(IntegerStep state, byte next) => new(next switch
    {
        (byte)'.' => IntegerState.ZeroFraction,
        (byte)'e' or (byte)'E' => IntegerState.Exponent,
        (byte)'-' when state.State == IntegerState.Exponent => IntegerState.NegativeExponent,
        >= (byte)'1' and <= (byte)'9' when state.State == IntegerState.ZeroFraction => IntegerState.Fraction,
        >= (byte)'1' and <= (byte)'9' when state.State == IntegerState.NegativeExponent => IntegerState.BelowOne,
        _ => state.State,
    });

    protected override Verdict End(IntegerStep state) => state.State switch
    {
        IntegerState.Plain => Verdict.True,
        IntegerState.Fraction or IntegerState.BelowOne => Verdict.False,
        _ => Verdict.Unknown,
    };

    protected override Verdict? Settled(IntegerStep state) => state.State == IntegerState.BelowOne ? Verdict.False : null;
}

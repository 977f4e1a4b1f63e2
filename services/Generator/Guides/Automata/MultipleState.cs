namespace Parley.Generator.Guides.Automata;

/// <summary>The remainder of a number's digits so far.</summary>
/// <param name="Remainder">Digits so far modulo the divisor.</param>
/// <param name="Places">Digits behind the point that have been counted in.</param>
/// <param name="Behind">The point has been read.</param>
/// <param name="Finer">A digit other than zero stands where no multiple has one.</param>
/// <param name="Scientific">There is an exponent.</param>
internal readonly record struct MultipleState(long Remainder, int Places, bool Behind, bool Finer, bool Scientific);

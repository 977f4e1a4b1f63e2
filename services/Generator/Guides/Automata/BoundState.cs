namespace Parley.Generator.Guides.Automata;

/// <summary>How far the comparison of a number with a bound has come.</summary>
/// <param name="Phase">Which part of the number is being read.</param>
/// <param name="Negative">A minus stood before it.</param>
/// <param name="NonZero">A digit other than zero has been read.</param>
/// <param name="WholeDigits">Digits before the point, one more than the bound's at most.</param>
/// <param name="Order">Sign of (digits so far − those of the bound at the same places).</param>
/// <param name="FractionDigits">Digits behind the point, as many as the bound's at most.</param>
/// <param name="MantissaOrder">The same order, with both numbers read from their first significant digit.</param>
/// <param name="MantissaDigits">Significant digits so far, as many as the bound's at most.</param>
/// <param name="Exponent">The exponent's digits so far, as a number.</param>
/// <param name="ExponentNegative">A minus stood before them.</param>
internal readonly record struct BoundState(
    BoundPhase Phase, bool Negative, bool NonZero, int WholeDigits, sbyte Order, int FractionDigits, sbyte MantissaOrder,
        int MantissaDigits,
    int Exponent, bool ExponentNegative);

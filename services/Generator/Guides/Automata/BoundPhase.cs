namespace Parley.Generator.Guides.Automata;

internal enum BoundPhase : byte
{
    Whole,
    Fraction,
    Exponent,
}

namespace Parley.Generator.Guides.Automata;

/// <summary>A state of <see cref="IntegerAutomaton"/>.</summary>
internal readonly record struct IntegerStep(IntegerState State);

namespace Parley.Generator.Guides.Automata;

/// <summary>States of two automata that read the same text.</summary>
internal readonly record struct PairState(int First, int Second);

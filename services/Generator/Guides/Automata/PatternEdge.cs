namespace Parley.Generator.Guides.Automata;

/// <summary>An edge of a nondeterministic automaton: a range of bytes, or a condition without a byte.</summary>
internal readonly record struct PatternEdge(PatternEdgeKind Kind, byte First, byte Last, int Target, int NextEdge = -1);

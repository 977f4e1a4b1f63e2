namespace Parley.Generator.Guides.Grammars;

/// <summary>What is reached from a node without reading anything.</summary>
/// <param name="Nodes">Nodes that read something, or call a rule, and from which the rule can be ended; in order.</param>
/// <param name="IsFinal">Whether the rule may end.</param>
internal sealed record GrammarClosure(int[] Nodes, bool IsFinal);

namespace Parley.Generator.Guides.Earley;

/// <summary>One way to read a text up to a place: a node of the network, and who called its rule.</summary>
internal readonly record struct GrammarItem(int Node, Caller Caller);

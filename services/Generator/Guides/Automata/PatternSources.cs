namespace Parley.Generator.Guides.Automata;

/// <summary>The edges of a pattern's nondeterministic automaton by the state that they lead to.</summary>
internal sealed class PatternSources
{
    private readonly int[] _first;
    private readonly (int Source, PatternEdgeKind Kind)[] _edges;

    public PatternSources(PatternNetwork network)
    {
        Count = network.Count;
        _first = new int[Count + 1];
        for (var state = 0; state < Count; state++)
        {
            foreach (var edge in network.EdgesOf(state))
                _first[edge.Target + 1]++;
        }

        for (var state = 0; state < Count; state++)
            _first[state + 1] += _first[state];
        _edges = new (int, PatternEdgeKind)[_first[Count]];
        var filled = _first.AsSpan(0, Count).ToArray();
        for (var state = 0; state < Count; state++)
        {
            foreach (var edge in network.EdgesOf(state))
                _edges[filled[edge.Target]++] = (state, edge.Kind);
        }
    }

    /// <summary>States.</summary>
    public int Count { get; }

    /// <summary>The states from which an edge leads to a state, with the edge's kind.</summary>
    public ReadOnlySpan<(int Source, PatternEdgeKind Kind)> Of(int state) => _edges.AsSpan(_first[state].._first[state + 1]);
}

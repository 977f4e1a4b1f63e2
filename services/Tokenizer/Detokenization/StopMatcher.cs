namespace Parley.Tokenizer.Detokenization;

/// <summary>
/// Finds the first stop string in a text that comes piece by piece. An automaton over all stops: after each character its depth is the
/// longest suffix of the text that could still become a stop, and exactly that much is held back.
/// </summary>
/// <remarks>The stop that is complete first wins; of several that end together, the longest.</remarks>
internal sealed class StopMatcher
{
    private readonly Dictionary<long, int> _edges = [];
    private readonly List<int> _depths = [0];
    private readonly List<int> _failures = [0];
    private readonly List<int> _found = [-1];
    private readonly List<bool> _isInner = [false];
    private readonly IReadOnlyList<string> _stops;
    private int _node;

    /// <param name="stops">The stops, none empty.</param>
    public StopMatcher(IReadOnlyList<string> stops)
    {
        _stops = stops;
        for (var i = 0; i < stops.Count; i++)
            AddStop(stops[i], i);
        Link();
    }

    /// <summary>What a character led to.</summary>
    public enum State
    {
        /// <summary>Nothing is held back.</summary>
        Text,

        /// <summary><see cref="HeldLength"/> characters may be the start of a stop.</summary>
        Held,

        /// <summary>The text ends with a stop.</summary>
        Stopped,
    }

    /// <summary>How many characters at the end of the text must be held back.</summary>
    public int HeldLength => _depths[_node];

    /// <summary>The stop that the text ends with, or null.</summary>
    public string? Stop => _found[_node] >= 0 ? _stops[_found[_node]] : null;

    /// <summary>Goes on after a stop that does not count; it may still be the start of another.</summary>
    public void PassOver()
    {
        while (_node != 0 && !_isInner[_node])
            _node = _failures[_node];
    }

    /// <summary>Reads the next character of the text.</summary>
    public State Read(char character)
    {
        int next;
        while (!_edges.TryGetValue(Edge(_node, character), out next) && _node != 0)
            _node = _failures[_node];
        _node = next;
        if (_found[_node] >= 0)
            return State.Stopped;
        return _node == 0 ? State.Text : State.Held;
    }

    private void AddStop(string stop, int index)
    {
        var node = 0;
        foreach (var character in stop)
        {
            if (!_edges.TryGetValue(Edge(node, character), out var child))
            {
                child = _depths.Count;
                _isInner[node] = true;
                _edges.Add(Edge(node, character), child);
                _depths.Add(_depths[node] + 1);
                _failures.Add(0);
                _found.Add(-1);
                _isInner.Add(false);
            }

            node = child;
        }

        if (_found[node] < 0)
            _found[node] = index;
    }

    // In order of depth, so that the failure of a parent is known before its children's.
    private void Link()
    {
        foreach (var (edge, child) in _edges.OrderBy(edge => _depths[edge.Value]))
        {
            var (parent, character) = ((int)(edge >> 16), (char)edge);
            if (parent == 0)
                continue;
            var fallback = _failures[parent];
            int target;
            while (!_edges.TryGetValue(Edge(fallback, character), out target) && fallback != 0)
                fallback = _failures[fallback];
            _failures[child] = target;
            if (_found[child] < 0)
                _found[child] = _found[target];
        }
    }

    private static long Edge(int node, char character) => ((long)node << 16) | character;
}

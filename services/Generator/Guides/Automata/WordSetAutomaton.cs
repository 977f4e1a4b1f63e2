namespace Parley.Generator.Guides.Automata;

/// <summary>A set of words (as bytes) as a tree; the states are its nodes.</summary>
internal sealed class WordSetAutomaton : TextAutomaton
{
    /// <summary>The state from which no word can be reached.</summary>
    public const int Off = 0;

    private readonly List<SortedList<byte, int>> _children = [[], []];
    private readonly List<int> _word = [-1, -1];

    public WordSetAutomaton(IReadOnlyList<byte[]> words)
    {
        for (var index = 0; index < words.Count; index++)
        {
            var node = 1;
            foreach (var next in words[index])
            {
                if (!_children[node].TryGetValue(next, out var child))
                {
                    child = _children.Count;
                    _children.Add([]);
                    _word.Add(-1);
                    _children[node].Add(next, child);
                }

                node = child;
            }

            if (_word[node] < 0)
                _word[node] = index;
        }

        Classes = new byte[256];
        var used = _children.SelectMany(children => children.Keys).ToHashSet();
        byte count = 0;
        foreach (var value in used.Order())
            Classes[value] = ++count;
    }

    /// <inheritdoc/>
    public override int Start => _children.Count > 2 || _word[1] >= 0 ? 1 : Off;

    /// <inheritdoc/>
    public override byte[] Classes { get; }

    /// <summary>Whether no word can be reached from a state.</summary>
    public static bool IsOff(int state) => state == Off;

    /// <inheritdoc/>
    public override int Step(int state, byte next) => _children[state].TryGetValue(next, out var child) ? child : Off;

    /// <inheritdoc/>
    public override Verdict End(int state) => _word[state] >= 0 ? Verdict.True : Verdict.False;

    /// <inheritdoc/>
    public override Verdict? Settled(int state) => state == Off ? Verdict.False : null;

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => state != Off;

    /// <summary>Which word ends in this state; −1 for none.</summary>
    public int WordAt(int state) => _word[state];

    /// <summary>The words that can still be reached from a state, this one included.</summary>
    public IEnumerable<int> WordsBelow(int state)
    {
        var pending = new Stack<int>([state]);
        while (pending.TryPop(out var node))
        {
            if (_word[node] >= 0)
                yield return _word[node];
            foreach (var child in _children[node].Values)
                pending.Push(child);
        }
    }
}

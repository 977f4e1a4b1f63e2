using System.Runtime.InteropServices;

namespace Parley.Generator.Guides.Automata;

/// <summary>A set of words (as bytes) as a tree; the states are its nodes.</summary>
internal sealed class WordSetAutomaton : TextAutomaton
{
    /// <summary>The state from which no word can be reached.</summary>
    public const int Off = 0;

    private readonly List<Node> _nodes = [new(0, -1), new(0, -1)];

    public WordSetAutomaton(IReadOnlyList<byte[]> words)
    {
        for (var index = 0; index < words.Count; index++)
        {
            var node = 1;
            foreach (var next in words[index])
            {
                var child = Step(node, next);
                if (child == Off)
                {
                    child = _nodes.Count;
                    _nodes.Add(new Node(next, -1) { Sibling = _nodes[node].Child });
                    CollectionsMarshal.AsSpan(_nodes)[node].Child = child;
                }

                node = child;
            }

            ref var last = ref CollectionsMarshal.AsSpan(_nodes)[node];
            if (last.Word < 0)
                last.Word = index;
        }

        Classes = new byte[256];
        Span<bool> used = stackalloc bool[256];
        for (var node = 2; node < _nodes.Count; node++)
            used[_nodes[node].Byte] = true;
        byte count = 0;
        for (var value = 0; value < 256; value++)
        {
            if (used[value])
                Classes[value] = ++count;
        }
    }

    /// <summary>Nodes, those that stand for no word included.</summary>
    public int Count => _nodes.Count;

    /// <inheritdoc/>
    public override int Start => _nodes.Count > 2 || _nodes[1].Word >= 0 ? 1 : Off;

    /// <inheritdoc/>
    public override byte[] Classes { get; }

    /// <summary>Whether no word can be reached from a state.</summary>
    public static bool IsOff(int state) => state == Off;

    /// <inheritdoc/>
    public override int Step(int state, byte next)
    {
        var nodes = CollectionsMarshal.AsSpan(_nodes);
        var child = nodes[state].Child;
        while (child != Off && nodes[child].Byte != next)
            child = nodes[child].Sibling;
        return child;
    }

    /// <inheritdoc/>
    public override Verdict End(int state) => _nodes[state].Word >= 0 ? Verdict.True : Verdict.False;

    /// <inheritdoc/>
    public override Verdict? Settled(int state) => state == Off ? Verdict.False : null;

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => state != Off;

    /// <inheritdoc/>
    public override bool TellsApart(CodePoints characters) => Classes.AsSpan(0x80).ContainsAnyExcept((byte)0);

    /// <summary>Which word ends in this state; −1 for none.</summary>
    public int WordAt(int state) => _nodes[state].Word;

    /// <summary>The first state behind one more byte from which a word can be reached; <see cref="Off"/> for none.</summary>
    public int FirstChild(int state) => _nodes[state].Child;

    /// <summary>The next one behind the same state; <see cref="Off"/> for none.</summary>
    public int NextSibling(int state) => _nodes[state].Sibling;

    /// <summary>The byte that leads to a state.</summary>
    public byte ByteOf(int state) => _nodes[state].Byte;

    /// <summary>The words that can still be reached from a state, this one included.</summary>
    public IEnumerable<int> WordsBelow(int state)
    {
        var pending = new Stack<int>([state]);
        while (pending.TryPop(out var node))
        {
            if (_nodes[node].Word >= 0)
                yield return _nodes[node].Word;
            for (var child = _nodes[node].Child; child != Off; child = _nodes[child].Sibling)
                pending.Push(child);
        }
    }

    /// <summary>A node: its byte, its word, its first child and the next child of its parent; state 0 is none of these.</summary>
    private struct Node(byte next, int word)
    {
        public byte Byte { get; } = next;

        public int Word { get; set; } = word;

        public int Child { get; set; }

        public int Sibling { get; set; }
    }
}

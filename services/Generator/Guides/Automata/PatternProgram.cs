namespace Parley.Generator.Guides.Automata;

/// <summary>What of a pattern's automaton never changes, so that many guides may share it.</summary>
internal sealed class PatternProgram
{
    private readonly int[] _distances;

    public PatternProgram(RegexTree tree, TextEncoding encoding)
    {
        Network = PatternNetwork.Build(tree, encoding);
        (Classes, Representatives) = Classify(Network);
        var sources = new PatternSources(Network);
        EndsHere = Closure(sources, [PatternNetwork.Accept], edge => edge is PatternEdgeKind.Free or PatternEdgeKind.AtEnd);
        IsAlive = Closure(sources, Indices(EndsHere), edge => edge is PatternEdgeKind.Free or PatternEdgeKind.Byte);
        (_distances, DistanceMax) = Distances(sources);
    }

    public PatternNetwork Network { get; }

    /// <summary>256 entries: bytes that no edge tells apart have one class.</summary>
    public byte[] Classes { get; }

    /// <summary>One byte of each class.</summary>
    public byte[] Representatives { get; }

    /// <summary>States in which the text may end.</summary>
    public bool[] EndsHere { get; }

    /// <summary>States from which a match can still be reached.</summary>
    public bool[] IsAlive { get; }

    /// <summary>Whether a match can follow any text.</summary>
    public bool NeverDies => Network.MayBeginLater && IsAlive[Network.Start];

    /// <summary>From wherever a match can still be reached, it can be reached within so many bytes.</summary>
    public int DistanceMax { get; }

    /// <summary>So many bytes at least lie between a state and a match.</summary>
    public int Distance(int state) => _distances[state];

    /// <summary>Walks back from the ends, byte by byte.</summary>
    private (int[] Distances, int Most) Distances(PatternSources sources)
    {
        var distances = new int[Network.Count];
        Array.Fill(distances, int.MaxValue);
        var (near, further, most) = (new Stack<int>(), new Stack<int>(), 0);
        foreach (var end in Indices(EndsHere))
        {
            distances[end] = 0;
            near.Push(end);
        }

        for (var distance = 0; near.Count > 0; distance++)
        {
            while (near.TryPop(out var state))
            {
                if (distances[state] < distance)
                    continue; // met by a shorter way since
                most = distance;
                foreach (var (source, kind) in sources.Of(state))
                {
                    var bytes = kind == PatternEdgeKind.Byte ? 1 : 0;
                    if (kind is not (PatternEdgeKind.Free or PatternEdgeKind.Byte) || distance + bytes >= distances[source])
                        continue;
                    distances[source] = distance + bytes;
                    (bytes == 0 ? near : further).Push(source);
                }
            }

            (near, further) = (further, near);
        }

        return (distances, most);
    }

    private static (byte[] Classes, byte[] Representatives) Classify(PatternNetwork network)
    {
        var classes = new ByteClasses();
        for (var state = 0; state < network.Count; state++)
        {
            foreach (var edge in network.EdgesOf(state))
            {
                if (edge.Kind == PatternEdgeKind.Byte)
                    classes.Add(edge.First, edge.Last);
            }
        }

        return classes.Number();
    }

    /// <summary>The states from which one of the targets can be reached over edges that count.</summary>
    private static bool[] Closure(PatternSources sources, IEnumerable<int> targets, Func<PatternEdgeKind, bool> counts)
    {
        var reached = new bool[sources.Count];
        var pending = new Stack<int>();
        foreach (var target in targets)
        {
            reached[target] = true;
            pending.Push(target);
        }

        while (pending.TryPop(out var state))
        {
            foreach (var (source, kind) in sources.Of(state))
            {
                if (!counts(kind) || reached[source])
                    continue;
                reached[source] = true;
                pending.Push(source);
            }
        }

        return reached;
    }

    private static IEnumerable<int> Indices(bool[] set) => Enumerable.Range(0, set.Length).Where(index => set[index]);
}

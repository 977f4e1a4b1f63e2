namespace Parley.Generator.Guides.Automata;

/// <summary>What of a pattern's automaton never changes, so that many guides may share it.</summary>
internal sealed class PatternProgram
{
    private readonly int[] _distances;

    public PatternProgram(RegexTree tree, TextEncoding encoding)
    {
        Network = PatternNetwork.Build(tree, encoding);
        (Classes, Representatives) = Classify(Network);
        EndsHere = Closure(Network, [PatternNetwork.Accept], edge => edge is PatternEdgeKind.Free or PatternEdgeKind.AtEnd);
        IsAlive = Closure(Network, Indices(EndsHere), edge => edge is PatternEdgeKind.Free or PatternEdgeKind.Byte);
        (_distances, DistanceMax) = Distances();
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
    private (int[] Distances, int Most) Distances()
    {
        var sources = new List<(int Source, int Bytes)>[Network.Count];
        for (var state = 0; state < Network.Count; state++)
        {
            foreach (var edge in Network.EdgesOf(state))
            {
                if (edge.Kind is PatternEdgeKind.Free or PatternEdgeKind.Byte)
                    (sources[edge.Target] ??= []).Add((state, edge.Kind == PatternEdgeKind.Byte ? 1 : 0));
            }
        }

        var distances = new int[Network.Count];
        Array.Fill(distances, int.MaxValue);
        var pending = new LinkedList<int>();
        foreach (var end in Indices(EndsHere))
        {
            distances[end] = 0;
            pending.AddLast(end);
        }

        var most = 0;
        while (pending.First is { Value: var state })
        {
            pending.RemoveFirst();
            most = Math.Max(most, distances[state]);
            foreach (var (source, bytes) in sources[state] ?? [])
            {
                if (distances[state] + bytes >= distances[source])
                    continue;
                distances[source] = distances[state] + bytes;
                if (bytes == 0)
                    pending.AddFirst(source);
                else
                    pending.AddLast(source);
            }
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
    private static bool[] Closure(PatternNetwork network, IEnumerable<int> targets, Func<PatternEdgeKind, bool> counts)
    {
        var sources = new List<int>[network.Count];
        for (var state = 0; state < network.Count; state++)
        {
            foreach (var edge in network.EdgesOf(state))
            {
                if (counts(edge.Kind))
                    (sources[edge.Target] ??= []).Add(state);
            }
        }

        var reached = new bool[network.Count];
        var pending = new Stack<int>();
        foreach (var target in targets)
        {
            reached[target] = true;
            pending.Push(target);
        }

        while (pending.TryPop(out var state))
        {
            foreach (var source in sources[state] ?? [])
            {
                if (!reached[source])
                {
                    reached[source] = true;
                    pending.Push(source);
                }
            }
        }

        return reached;
    }

    private static IEnumerable<int> Indices(bool[] set) => Enumerable.Range(0, set.Length).Where(index => set[index]);
}

using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Grammars;

/// <summary>A regular expression within a network. Its anchors mean the begin and the end of what it matches.</summary>
internal static class PatternNodes
{
    private const int HasRead = 1;
    private const int HasEnded = 2;

    /// <summary>Adds it with what follows; the node where it begins.</summary>
    public static int Add(GrammarNetwork network, RegexTree pattern, int next)
    {
        var source = PatternNetwork.Build(pattern.Whole(), TextEncoding.Plain);
        foreach (var set in source.Sets)
            network.AddSet(set);
        var nodes = new Dictionary<(int State, int Phase), int>();
        var pending = new Stack<(int State, int Phase)>();
        int Node(int state, int phase)
        {
            if (!nodes.TryGetValue((state, phase), out var node))
            {
                nodes.Add((state, phase), node = network.NewNode());
                pending.Push((state, phase));
            }

            return node;
        }

        var start = Node(source.Start, 0);
        while (pending.TryPop(out var at))
        {
            var node = nodes[at];
            if (at.State == PatternNetwork.Accept && (at.Phase & HasEnded) != 0)
                network.Link(node, next);
            foreach (var edge in source.EdgesOf(at.State))
            {
                switch (edge.Kind)
                {
                    case PatternEdgeKind.Byte when (at.Phase & HasEnded) == 0:
                        network.LinkBytes(node, edge.First, edge.Last, Node(edge.Target, HasRead));
                        break;
                    case PatternEdgeKind.Free:
                    case PatternEdgeKind.AtBegin when (at.Phase & HasRead) == 0:
                        network.Link(node, Node(edge.Target, at.Phase));
                        break;
                    case PatternEdgeKind.AtEnd:
                        network.Link(node, Node(edge.Target, at.Phase | HasEnded));
                        break;
                }
            }
        }

        return start;
    }
}

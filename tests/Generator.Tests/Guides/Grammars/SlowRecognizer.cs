namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>
/// What a grammar's texts and their begins are, found by going over all rules until nothing changes: slow, and nothing like the code under
/// test.
/// </summary>
internal sealed class SlowRecognizer(IReadOnlyList<GrammarNode> rules)
{
    private readonly bool[] _isProductive = Productive(rules);

    /// <summary>Whether every rule that the first one needs has a text.</summary>
    public bool IsSound
    {
        get
        {
            var seen = new HashSet<int>();
            var open = new Stack<int>([0]);
            while (open.TryPop(out var rule))
            {
                if (!seen.Add(rule))
                    continue;
                if (!_isProductive[rule])
                    return false;
                foreach (var named in Named(rules[rule]))
                    open.Push(named);
            }

            return true;
        }
    }

    /// <summary>Whether a text belongs to the first rule, and whether a longer one (or itself) that begins so does.</summary>
    /// <param name="text">At most 30 characters.</param>
    public (bool IsWhole, bool IsBegin) Judge(string text)
    {
        var length = text.Length;
        var ends = new int[rules.Count, length + 1];
        var begins = new bool[rules.Count, length + 1];
        for (var changed = true; changed;)
        {
            changed = false;
            for (var rule = 0; rule < rules.Count; rule++)
            {
                for (var from = 0; from <= length; from++)
                {
                    var (end, begin) = (ends[rule, from], begins[rule, from]);
                    ends[rule, from] |= Ends(rules[rule], text, 1 << from, ends);
                    begins[rule, from] |= Begins(rules[rule], text, from, ends, begins);
                    changed |= end != ends[rule, from] || begin != begins[rule, from];
                }
            }
        }

        return (((ends[0, 0] >> length) & 1) != 0, begins[0, 0]);
    }

    /// <summary>Where the node may end that begins at one of some places; sets of places are bits.</summary>
    private static int Ends(GrammarNode node, string text, int from, int[,] known)
    {
        var ends = 0;
        switch (node)
        {
            case GrammarNode.Word word:
                for (var at = 0; at + word.Text.Length <= text.Length; at++)
                {
                    if (((from >> at) & 1) != 0 && string.CompareOrdinal(text, at, word.Text, 0, word.Text.Length) == 0)
                        ends |= 1 << (at + word.Text.Length);
                }

                return ends;
            case GrammarNode.Rule rule:
                for (var at = 0; at <= text.Length; at++)
                    ends |= ((from >> at) & 1) != 0 ? known[rule.Number, at] : 0;
                return ends;
            case GrammarNode.Choice choice:
                return choice.Members.Aggregate(0, (all, member) => all | Ends(member, text, from, known));
            case GrammarNode.Sequence sequence:
                return sequence.Members.Aggregate(from, (at, member) => Ends(member, text, at, known));
            case GrammarNode.Repeat repeat:
                var most = repeat.Max < 0 ? repeat.Min + text.Length : repeat.Max;
                for (var count = 0; count <= most; count++)
                {
                    ends |= count >= repeat.Min ? from : 0;
                    from = Ends(repeat.Member, text, from, known);
                }

                return ends;
            default:
                throw new InvalidOperationException();
        }
    }

    /// <summary>Whether the node has a text that the rest of the text begins.</summary>
    private bool Begins(GrammarNode node, string text, int from, int[,] ends, bool[,] begins)
    {
        switch (node)
        {
            case GrammarNode.Word word:
                return word.Text.StartsWith(text[from..], StringComparison.Ordinal);
            case GrammarNode.Rule rule:
                return from == text.Length ? _isProductive[rule.Number] : begins[rule.Number, from];
            case GrammarNode.Choice choice:
                return choice.Members.Any(member => Begins(member, text, from, ends, begins));
            case GrammarNode.Sequence sequence:
                return BeginsOne(sequence.Members, sequence.Members.Count, text, from, ends, begins);
            case GrammarNode.Repeat repeat:
                return BeginsOne([repeat.Member], repeat.Max < 0 ? repeat.Min + text.Length + 1 : repeat.Max, text, from, ends, begins, repeat.Min);
            default:
                throw new InvalidOperationException();
        }
    }

    /// <summary>The same of members one after the other; a single one is repeated.</summary>
    private bool BeginsOne(
        IReadOnlyList<GrammarNode> members, int count, string text, int from, int[,] ends, bool[,] begins, int least = int.MaxValue)
    {
        var at = 1 << from;
        for (var index = 0; index < count; index++)
        {
            if (index >= least && ((at >> text.Length) & 1) != 0)
                return true;
            var member = members[members.Count == 1 ? 0 : index];
            var isRestSound = least == int.MaxValue ? members.Skip(index + 1).All(IsProductive) : index + 1 >= least || IsProductive(member);
            for (var start = 0; start <= text.Length; start++)
            {
                if (((at >> start) & 1) != 0 && isRestSound && Begins(member, text, start, ends, begins))
                    return true;
            }

            at = Ends(member, text, at, ends);
        }

        return ((at >> text.Length) & 1) != 0;
    }

    private bool IsProductive(GrammarNode node) => IsProductive(node, _isProductive);

    private static bool[] Productive(IReadOnlyList<GrammarNode> rules)
    {
        var known = new bool[rules.Count];
        for (var changed = true; changed;)
        {
            changed = false;
            for (var rule = 0; rule < rules.Count; rule++)
            {
                if (known[rule] || !IsProductive(rules[rule], known))
                    continue;
                known[rule] = changed = true;
            }
        }

        return known;
    }

    private static bool IsProductive(GrammarNode node, bool[] known) => node switch
    {
        GrammarNode.Word => true,
        GrammarNode.Rule rule => known[rule.Number],
        GrammarNode.Choice choice => choice.Members.Any(member => IsProductive(member, known)),
        GrammarNode.Sequence sequence => sequence.Members.All(member => IsProductive(member, known)),
        GrammarNode.Repeat repeat => repeat.Min == 0 || IsProductive(repeat.Member, known),
        _ => false,
    };

    private static IEnumerable<int> Named(GrammarNode node) => node switch
    {
        GrammarNode.Rule rule => [rule.Number],
        GrammarNode.Choice choice => choice.Members.SelectMany(Named),
        GrammarNode.Sequence sequence => sequence.Members.SelectMany(Named),
        GrammarNode.Repeat { Max: not 0 } repeat => Named(repeat.Member),
        _ => [],
    };
}

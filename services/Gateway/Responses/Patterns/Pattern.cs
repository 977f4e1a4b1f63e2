namespace Parley.Gateway.Responses.Patterns;

/// <summary>
/// A regular expression compiled for reading a text as it comes in, in time that is linear in the text (<see cref="PatternScan"/>). With
/// back references, which no such machine can do, it can be tried on whole texts only (<see cref="PatternTrial"/>).
/// </summary>
internal sealed class Pattern
{
    private readonly Dictionary<string, int> _slotOfName;

    private Pattern(PatternStep[] steps, Dictionary<string, int> slotOfName, int slots, bool hasReferences)
    {
        (Steps, _slotOfName, Slots, HasReferences) = (steps, slotOfName, slots, hasReferences);
        First = PatternOpenings.Of(steps);
    }

    /// <summary>The program; it begins at 0.</summary>
    public PatternStep[] Steps { get; }

    /// <summary>Positions of groups that are kept: two for each.</summary>
    public int Slots { get; }

    /// <summary>It repeats what a group has read.</summary>
    public bool HasReferences { get; }

    /// <summary>What a match begins with; null where that is not known by one character.</summary>
    public CharacterSet? First { get; }

    /// <summary>Groups that have names.</summary>
    public IReadOnlyCollection<string> Names => _slotOfName.Keys;

    /// <exception cref="PatternException">It is no pattern, or one of a kind that is refused.</exception>
    public static Pattern Parse(string text)
    {
        var (root, names) = PatternParser.Parse(text);
        return Compile(root, names, text);
    }

    /// <summary>Any of some texts; the longest that is there.</summary>
    public static Pattern OfLiterals(IEnumerable<string> literals)
    {
        var ways = literals.OrderByDescending(literal => literal.Length).Select(Sequence).ToArray();
        return Compile(
            ways.Length == 1 ? ways[0] : new PatternNode.Choice(ways), new Dictionary<string, int>(), string.Join(" | ", literals));
    }

    /// <summary>What a named group has read; null where it took no part.</summary>
    public string? Captured(string name, PatternMatch match, ReadOnlySpan<char> text)
    {
        var slot = _slotOfName[name];
        return match.Slots[slot] < 0 || match.Slots[slot + 1] < 0 ? null : text[match.Slots[slot]..match.Slots[slot + 1]].ToString();
    }

    internal static Pattern Compile(PatternNode root, IReadOnlyDictionary<string, int> names, string text)
    {
        var compiler = new PatternCompiler(names, text);
        compiler.Add(root);
        var steps = compiler.Finish();
        var slots = names.ToDictionary(name => name.Key, name => compiler.SlotOf(name.Value), StringComparer.Ordinal);
        return new Pattern(steps, slots, compiler.Slots, compiler.HasReferences);
    }

    private static PatternNode Sequence(string literal)
    {
        var parts = new List<PatternNode>();
        for (var at = 0; at < literal.Length;)
        {
            parts.Add(new PatternNode.One(CharacterSet.Of(CodePoints.At(literal, at, out var length), ignoreCase: false)));
            at += length;
        }

        return new PatternNode.Sequence(parts);
    }
}

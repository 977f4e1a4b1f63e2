using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Earley;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Masks;
using Parley.Generator.Guides.Notations;
using Parley.Generator.Guides.Patterns;
using Parley.Generator.Guides.Schemas;
using Parley.Generator.Guides.Tags;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides;

/// <summary>
/// A constraint on a whole answer, compiled for a vocabulary. What it learns of the texts that it meets it keeps for all of them; it may
/// be used by
/// several threads, one at a time.
/// </summary>
internal sealed class Guide
{
    private readonly MaskBuilder? _masks;
    private readonly GrammarMasks? _grammarMasks;

    private Guide(GuideMachine machine, TokenVocabulary vocabulary, IReadOnlyCollection<string> unknownFormats)
    {
        (Machine, Vocabulary, UnknownFormats, Budget) = (machine, vocabulary, unknownFormats, GuideLimits.Budget);
        if (machine is EarleyMachine grammar)
            _grammarMasks = new GrammarMasks(grammar, vocabulary);
        else
            _masks = new MaskBuilder(machine, vocabulary);
        machine.BeginAccount();
        if (!machine.IsLive(machine.Start))
            throw new GuideException("", "no text meets the guide");
    }

    public GuideMachine Machine { get; }

    public TokenVocabulary Vocabulary { get; }

    /// <summary>Formats that the schema names and nobody defines; they assert nothing.</summary>
    public IReadOnlyCollection<string> UnknownFormats { get; }

    /// <summary>What bounds its states, and the search for one mask or token: that of the thread that compiled it.</summary>
    public GuideBudget Budget { get; }

    /// <summary>Bytes of memory that it holds by now, roughly: what it was compiled to, and what it has learnt.</summary>
    public long Bytes
    {
        get
        {
            lock (Gate)
                return Machine.Bytes + (_grammarMasks?.Bytes ?? 0) + (_masks?.Bytes ?? 0);
        }
    }

    /// <summary>Held while the guide is used.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>A guide to JSON texts that meet a schema.</summary>
    /// <param name="schema">The schema as JSON, drafts 4 to 2020-12.</param>
    /// <param name="settings">How the texts are written.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <exception cref="GuideException">The schema is wrong, asks for what is not supported, lets no text pass, or goes beyond a
    /// limit.</exception>
    public static Guide FromSchema(string schema, GuideSettings settings, TokenVocabulary vocabulary)
    {
        var formats = new SortedSet<string>(StringComparer.Ordinal);
        return new Guide(ReadSchema(schema, settings, formats), vocabulary, formats);
    }

    /// <summary>A guide to texts of a grammar.</summary>
    /// <param name="grammar">The grammar, in GBNF or Lark's syntax.</param>
    /// <param name="syntax">In which of the two; unspecified, the text tells.</param>
    /// <param name="settings">How JSON within is written.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <exception cref="GuideException">The grammar is wrong, lets no text pass, or goes beyond a limit.</exception>
    public static Guide FromGrammar(string grammar, GrammarSyntax syntax, GuideSettings settings, TokenVocabulary vocabulary)
    {
        var formats = new SortedSet<string>(StringComparer.Ordinal);
        var rules = GrammarReader.Read(grammar, syntax, vocabulary, schema => ReadPart(schema, settings, formats));
        return new Guide(new EarleyMachine(rules), vocabulary, formats);
    }

    /// <summary>A guide to texts with tags: free text, and parts that are constrained.</summary>
    /// <param name="tag">The structural tag as JSON.</param>
    /// <param name="settings">How JSON within is written.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <exception cref="GuideException">It is wrong, asks for what is not supported, or goes beyond a limit.</exception>
    public static Guide FromStructuralTag(string tag, GuideSettings settings, TokenVocabulary vocabulary)
    {
        var formats = new SortedSet<string>(StringComparer.Ordinal);
        var rules = TagReader.Read(tag, vocabulary, schema => ReadPart(schema, settings, formats));
        return new Guide(new EarleyMachine(rules), vocabulary, formats);
    }

    /// <summary>A guide to texts that a regular expression of ECMA-262 matches as a whole.</summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <exception cref="GuideException">The pattern is wrong, uses what is not supported, or goes beyond a limit.</exception>
    public static Guide FromPattern(string pattern, TokenVocabulary vocabulary) =>
        new(new PatternMachine(RegexParser.Parse(pattern)), vocabulary, []);

    /// <summary>A guide to one of these texts.</summary>
    /// <param name="choices">At least one.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <exception cref="GuideException">There is none, or together they go beyond a limit.</exception>
    public static Guide FromChoices(IReadOnlyList<string> choices, TokenVocabulary vocabulary)
    {
        if (choices.Count == 0)
            throw new GuideException("", "a choice needs at least one text");
        return new(new PatternMachine(RegexTree.Choice([.. choices.Select(RegexTree.Literal)])), vocabulary, []);
    }

    /// <summary>Begins a text.</summary>
    public GuideMatcher Begin() => new(this);

    /// <summary>See <see cref="MaskBuilder.Fill"/>.</summary>
    internal void FillMask(Place place, Trail trail, Span<uint> mask)
    {
        if (_grammarMasks is { } masks)
            masks.Fill(place, trail, mask);
        else
            _masks!.Fill(place, trail, mask);
    }

    private static JsonMachine ReadSchema(string schema, GuideSettings settings, SortedSet<string> unknownFormats)
    {
        var table = new AtomTable();
        var reader = new SchemaReader(JsonTree.Parse(schema), table, settings.AssertsByte);
        reader.ReadAll();
        unknownFormats.UnionWith(reader.UnknownFormats);
        return new JsonMachine(table, reader.Root, settings.AnyOrder, settings.FreeWhitespace);
    }

    /// <summary>A machine for a part of a text, which some text must meet.</summary>
    private static JsonMachine ReadPart(string schema, GuideSettings settings, SortedSet<string> unknownFormats)
    {
        var machine = ReadSchema(schema, settings, unknownFormats);
        return machine.IsLive(machine.Start) ? machine : throw new GuideException("", "no text meets the schema");
    }
}

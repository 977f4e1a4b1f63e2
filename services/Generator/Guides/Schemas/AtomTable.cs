using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>The conditions of one guide: equal ones are the same object.</summary>
internal sealed class AtomTable
{
    private readonly Dictionary<string, TextAtom> _texts = [];
    private readonly Dictionary<int, Formula> _counts = [];
    private readonly Dictionary<string, Formula> _keys = [];
    private readonly Dictionary<string, ConstantSchema> _constants = [];
    private readonly Dictionary<(DistinctAtom, string), DistinctAtom> _distinct = [];
    private int _schemas;

    public AtomTable() => Distinct = new DistinctAtom(this);

    public FormulaTable Formulas { get; } = new();

    /// <summary>No two items are equal; none has been read.</summary>
    public DistinctAtom Distinct { get; }

    /// <summary>Counts one more schema.</summary>
    /// <exception cref="GuideException">There are more than <see cref="GuideLimits.SchemasMax"/>.</exception>
    public void CountSchema()
    {
        GuideLimits.ThrowIfStopped();
        if (++_schemas > GuideLimits.SchemasMax)
            throw new GuideException("", $"the guide is too complex: more than {GuideLimits.SchemasMax} schemas and constants");
    }

    /// <summary>The condition of an automaton, found again by its key.</summary>
    public TextAtom Text(string key, Func<TextAutomaton> make)
    {
        if (!_texts.TryGetValue(key, out var atom))
            _texts.Add(key, atom = new TextAtom(make()));
        return atom;
    }

    public Formula Pattern(string pattern) => Formulas.Of(PatternAtom(pattern));

    public TextAtom PatternAtom(string pattern) => Text("p" + pattern, () => PatternAutomaton.Of(RegexParser.Parse(pattern)));

    /// <summary>At least so many characters.</summary>
    public Formula Length(int least) => least <= 0 ? Formula.True : Formulas.Of(Text($"l{least}", () => new LengthAutomaton(least)));

    /// <summary>At least so many more members or items.</summary>
    public Formula AtLeast(int more)
    {
        if (more <= 0)
            return Formula.True;
        if (!_counts.TryGetValue(more, out var formula))
            _counts.Add(more, formula = Formulas.Of(new CountAtom(this, more)));
        return formula;
    }

    public Formula Has(string key)
    {
        if (!_keys.TryGetValue(key, out var formula))
            _keys.Add(key, formula = Formulas.Of(new KeyAtom(key)));
        return formula;
    }

    /// <summary>The schema that only this value meets.</summary>
    public ConstantSchema Constant(JsonTree value)
    {
        var written = CompactJson.Write(value, sorted: true);
        if (!_constants.TryGetValue(written, out var schema))
            _constants.Add(written, schema = new ConstantSchema(this, value));
        return schema;
    }

    /// <summary>The condition of being distinct from one more item.</summary>
    public DistinctAtom DistinctAfter(DistinctAtom before, string item)
    {
        if (!_distinct.TryGetValue((before, item), out var after))
        {
            var last = Formulas.Of(Constant(JsonTree.Parse(item)));
            _distinct.Add((before, item), after = new DistinctAtom(this, before, last));
        }

        return after;
    }
}

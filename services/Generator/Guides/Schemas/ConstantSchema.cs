using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>The schema that exactly one value meets.</summary>
internal sealed class ConstantSchema : Schema
{
    private readonly AtomTable _table;
    private readonly JsonTree _value;
    private Formula? _formula;

    public ConstantSchema(AtomTable table, JsonTree value)
    {
        table.CountSchema();
        (_table, _value) = (table, value);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names => [.. _value.Members.Select(member => member.Key)];

    /// <inheritdoc/>
    public override Formula For(JsonKind kind) => kind != _value.Kind ? Formula.False : _formula ??= Make();

    private Formula Make()
    {
        var formulas = _table.Formulas;
        switch (_value.Kind)
        {
            case JsonKind.String:
                return formulas.Of(_table.Text("w" + _value.Text, () =>
                    new WordSetAutomaton(ByteSequences.Written(_value.Text) is { } word ? [word] : [])));
            case JsonKind.Number:
                return formulas.Of(_table.Text("n" + _value.Text, () => NumberSetAutomaton.Of([_value.Text])));
            case JsonKind.Object:
                var named = _value.Members.ToDictionary(member => member.Key, member => formulas.Of(_table.Constant(member.Value)));
                var members = new PropertyAtom { Named = named, Patterns = [], Additional = Formula.False };
                return formulas.And([formulas.Of(members), .. named.Keys.Select(_table.Has)]);
            case JsonKind.Array:
                var places = _value.Items.Select(item => formulas.Of(_table.Constant(item))).ToArray();
                return formulas.And(formulas.Of(new ItemAtom(places, Formula.False)), _table.AtLeast(places.Length));
            default:
                return Formula.True;
        }
    }
}

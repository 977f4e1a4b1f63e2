using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>What a list of allowed values asks: strings and numbers as one automaton each, objects and arrays as alternatives.</summary>
internal sealed class ConstantReader(AtomTable table)
{
    /// <summary>The value is one of these.</summary>
    public Formula OneOf(IReadOnlyList<JsonTree> values, JsonKind kind)
    {
        var same = values.Where(value => value.Kind == kind).ToList();
        if (same.Count == 0)
            return Formula.False;
        if (same.Count == 1)
            return table.Constant(same[0]).For(kind);
        switch (kind)
        {
            case JsonKind.String:
                var texts = same.Select(value => value.Text).Distinct().ToList();
                return table.Formulas.Of(table.Text(
                    "s" + string.Join('\0', texts), () => new WordSetAutomaton([.. texts.Select(ByteSequences.Written).OfType<byte[]>()])));
            case JsonKind.Number:
                var numbers = same.Select(value => value.Text).Distinct().ToList();
                return table.Formulas.Of(table.Text("N" + string.Join(' ', numbers), () => NumberSetAutomaton.Of(numbers)));
            case JsonKind.Object or JsonKind.Array:
                return table.Formulas.Or([.. same.Select(value => table.Constant(value).For(kind))]);
            default:
                return Formula.True;
        }
    }
}

using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>Every item that no schema beside or below has evaluated meets a schema; see <see cref="UnevaluatedPropertiesAtom"/>.</summary>
/// <param name="value">What is asked of an item that is not evaluated.</param>
/// <param name="others">When a schema holds, how many first items it evaluates then, and what it evaluates wherever it stands.</param>
/// <param name="index">Place of the next item, so far as it matters.</param>
/// <param name="family">The same condition at other times, so that equal ones are the same object; null for the first.</param>
internal sealed class UnevaluatedItemsAtom(
    Formula value, IReadOnlyList<(Formula Holds, int Places, Formula Containing)> others, int index,
    Dictionary<StateKey, UnevaluatedItemsAtom>? family = null) : Atom
{
    private readonly Dictionary<StateKey, UnevaluatedItemsAtom> _family = family ?? [];

    public Formula Value { get; } = value;

    public IReadOnlyList<(Formula Holds, int Places, Formula Containing)> Others { get; } = others;

    public int Index { get; } = index;

    /// <inheritdoc/>
    public override IReadOnlyList<Formula> Inner { get; } = [.. others.Select(other => other.Holds)];

    /// <summary>The condition with what has become known about the schemas.</summary>
    public UnevaluatedItemsAtom With(Formula[] holds) => At(holds, Index);

    /// <summary>The condition on the items behind the next.</summary>
    public UnevaluatedItemsAtom Next()
    {
        var last = Others.Select(other => other.Places).Where(places => places < int.MaxValue).Append(0).Max();
        return Index >= last ? this : At([.. Inner], Index + 1);
    }

    private UnevaluatedItemsAtom At(Formula[] holds, int index)
    {
        var key = new StateKey(holds, index);
        if (!_family.TryGetValue(key, out var atom))
        {
            var changed = holds.Zip(Others, (now, other) => (now, other.Places, other.Containing)).ToArray();
            _family.Add(key, atom = new UnevaluatedItemsAtom(Value, changed, index, _family));
        }

        return atom;
    }
}

using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>
/// Every member that no schema beside or below has evaluated meets a schema. Which schemas have evaluated depends on whether they hold,
/// which is
/// certain at the object's end only: each of them comes with the formula of that.
/// </summary>
/// <param name="value">What is asked of a member that is not evaluated: a formula over <see cref="Schema"/>.</param>
/// <param name="others">When a schema holds, and the keys that it evaluates then (null: all).</param>
/// <param name="family">The same condition at other times, so that equal ones are the same object; null for the first.</param>
internal sealed class UnevaluatedPropertiesAtom(
    Formula value, IReadOnlyList<(Formula Holds, PropertyAtom? Keys)> others, Dictionary<StateKey,
        UnevaluatedPropertiesAtom>? family = null) : Atom
{
    private readonly Dictionary<StateKey, UnevaluatedPropertiesAtom> _family = family ?? [];

    public Formula Value { get; } = value;

    public IReadOnlyList<(Formula Holds, PropertyAtom? Keys)> Others { get; } = others;

    /// <inheritdoc/>
    public override IReadOnlyList<Formula> Inner { get; } = [.. others.Select(other => other.Holds)];

    /// <summary>The condition with what has become known about the schemas.</summary>
    public UnevaluatedPropertiesAtom With(Formula[] holds)
    {
        var key = new StateKey(holds);
        if (!_family.TryGetValue(key, out var after))
        {
            var changed = holds.Zip(Others, (now, other) => (now, other.Keys)).ToArray();
            _family.Add(key, after = new UnevaluatedPropertiesAtom(Value, changed, _family));
        }

        return after;
    }
}

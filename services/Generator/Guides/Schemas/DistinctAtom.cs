using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>No two items of an array are equal. The items so far are part of the condition.</summary>
internal sealed class DistinctAtom : Atom
{
    private readonly AtomTable _table;
    private readonly DistinctAtom? _before;

    public DistinctAtom(AtomTable table, DistinctAtom? before = null, Formula? last = null)
    {
        (_table, _before, Last) = (table, before, last);
        Count = before is null ? 0 : before.Count + 1;
    }

    /// <summary>Items so far.</summary>
    public int Count { get; }

    /// <summary>The condition of being equal to the last item.</summary>
    public Formula? Last { get; }

    /// <summary>What the next item must meet: being none of those before.</summary>
    public Formula Value(FormulaTable formulas)
    {
        var others = new List<Formula>();
        for (var item = this; item?.Last is not null; item = item._before)
            others.Add(formulas.Not(item.Last));
        others.Reverse();
        return formulas.And([.. others]);
    }

    /// <summary>The condition behind one more item, as it is written.</summary>
    /// <exception cref="GuideException">There are too many items to remember.</exception>
    public DistinctAtom With(string item) => _table.DistinctAfter(this, item);
}

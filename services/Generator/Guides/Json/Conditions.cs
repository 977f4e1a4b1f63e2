using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>Replaces conditions in formulas, and in the formulas that conditions carry along.</summary>
internal static class Conditions
{
    /// <summary>Whether a condition of the formula is such a one.</summary>
    public static bool Any(Formula formula, Func<Atom, bool> test)
    {
        var atoms = new List<Atom>();
        formula.CollectAtoms(atoms, []);
        return atoms.Exists(atom => test(atom));
    }

    public static Formula Replace(FormulaTable formulas, Formula formula, Func<Atom, Formula> replacement)
    {
        return formulas.Replace(formula, Through);

        Formula Through(Atom atom) => atom switch
        {
            UnevaluatedPropertiesAtom rest => replacement(rest.With([.. rest.Inner.Select(inner => formulas.Replace(inner, Through))])),
            UnevaluatedItemsAtom rest => replacement(rest.With([.. rest.Inner.Select(inner => formulas.Replace(inner, Through))])),
            _ => replacement(atom),
        };
    }
}

using System.Runtime.InteropServices;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Formulas;

/// <summary>Makes formulas: simplified, and equal ones the same object.</summary>
internal sealed class FormulaTable
{
    private readonly Dictionary<FormulaKey, Formula> _known = [];
    private readonly Dictionary<Atom, Formula> _atoms = [];
    private readonly Stack<Dictionary<Formula, Formula>> _spare = [];
    private int _count = 3;

    public Formula Of(Atom atom)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_atoms, atom, out _);
        return known ??= new Formula(FormulaKind.Atom, _count++, [], atom);
    }

    public Formula Not(Formula formula) => formula.Kind switch
    {
        FormulaKind.False => Formula.True,
        FormulaKind.True => Formula.False,
        FormulaKind.Unknown => Formula.Unknown,
        FormulaKind.Not => formula.Members[0],
        _ => Make(FormulaKind.Not, [formula]),
    };

    public Formula And(params ReadOnlySpan<Formula> members) => Join(FormulaKind.And, members, Formula.False, Formula.True);

    public Formula Or(params ReadOnlySpan<Formula> members) => Join(FormulaKind.Or, members, Formula.True, Formula.False);

    /// <summary>Exactly one of them holds.</summary>
    public Formula One(ReadOnlySpan<Formula> members)
    {
        var rest = new List<Formula>();
        var twice = new List<Formula>();
        var holds = 0;
        foreach (var member in members)
        {
            if (member.Kind == FormulaKind.True)
                holds++;
            else if (member.Kind != FormulaKind.False)
                (rest.Contains(member) && member.Kind != FormulaKind.Unknown ? twice : rest).Add(member);
        }

        if (holds > 1)
            return Formula.False;
        if (rest.Count > 1 && rest.TrueForAll(member => member.Kind == FormulaKind.Unknown))
            return Formula.Unknown;

        // What stands there twice holds twice or not at all.
        rest.RemoveAll(twice.Contains);
        Formula one;
        if (holds == 1)
            one = Not(Or(CollectionsMarshal.AsSpan(rest)));
        else if (rest.Count <= 1)
            one = rest.Count == 0 ? Formula.False : rest[0];
        else
            one = Make(FormulaKind.One, [.. rest]);
        return twice.Count == 0 ? one : And(Not(Or(CollectionsMarshal.AsSpan(twice))), one);
    }

    /// <summary>The formula with each atom replaced; what does not change stays the same object.</summary>
    public Formula Replace(Formula formula, Func<Atom, Formula> replacement)
    {
        if (formula.IsConstant)
            return formula;
        if (formula.Atom is not null)
            return replacement(formula.Atom);
        if (!_spare.TryPop(out var done))
            done = [];
        var result = Replace(formula, replacement, done);
        done.Clear();
        _spare.Push(done);
        return result;
    }

    private Formula Replace(Formula formula, Func<Atom, Formula> replacement, Dictionary<Formula, Formula> done)
    {
        if (formula.IsConstant)
            return formula;
        if (done.TryGetValue(formula, out var known))
            return known;
        Formula result;
        if (formula.Atom is not null)
        {
            result = replacement(formula.Atom);
        }
        else
        {
            var members = new Formula[formula.Members.Length];
            var changed = false;
            for (var i = 0; i < members.Length; i++)
            {
                members[i] = Replace(formula.Members[i], replacement, done);
                changed |= members[i] != formula.Members[i];
            }

            result = !changed ? formula : formula.Kind switch
            {
                FormulaKind.Not => Not(members[0]),
                FormulaKind.And => And(members),
                FormulaKind.Or => Or(members),
                _ => One(members),
            };
        }

        done.Add(formula, result);
        return result;
    }

    private Formula Join(FormulaKind kind, ReadOnlySpan<Formula> members, Formula decides, Formula neutral)
    {
        var joined = new List<Formula>(members.Length);
        HashSet<Formula>? seen = null;
        foreach (var member in members)
        {
            if (member == decides)
                return decides;
            if (member == neutral)
                continue;
            foreach (var part in member.Kind == kind ? member.Members : [member])
            {
                if (joined.Count >= 8)
                {
                    seen ??= [.. joined];
                    if (seen.Add(part))
                        joined.Add(part);
                }
                else if (!joined.Contains(part))
                {
                    joined.Add(part);
                }
            }
        }

        return joined.Count switch { 0 => neutral, 1 => joined[0], _ => Make(kind, [.. joined]) };
    }

    private Formula Make(FormulaKind kind, Formula[] members)
    {
        GuideLimits.ThrowIfStopped();
        if (members.Length > GuideLimits.FormulaMembersMax)
            throw new GuideException("", $"the guide is too complex: more than {GuideLimits.FormulaMembersMax} alternatives in one place");
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_known, new FormulaKey(kind, members), out _);
        return known ??= new Formula(kind, _count++, members, null);
    }
}

namespace Parley.Generator.Guides.Formulas;

/// <summary>What makes two formulas the same: kind and members.</summary>
internal readonly struct FormulaKey(FormulaKind kind, Formula[] members) : IEquatable<FormulaKey>
{
    private readonly FormulaKind _kind = kind;
    private readonly Formula[] _members = members;

    public bool Equals(FormulaKey other) => _kind == other._kind && _members.AsSpan().SequenceEqual(other._members);

    public override bool Equals(object? obj) => obj is FormulaKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = (int)_kind;
        foreach (var member in _members)
            hash = (hash * 31) + member.Id;
        return hash;
    }
}

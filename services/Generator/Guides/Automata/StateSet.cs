namespace Parley.Generator.Guides.Automata;

/// <summary>A list of numbers that is compared by what it holds.</summary>
internal readonly struct StateSet(int[] members) : IEquatable<StateSet>
{
    private readonly int[] _members = members;

    public bool Equals(StateSet other) => _members.AsSpan().SequenceEqual(other._members);

    public override bool Equals(object? obj) => obj is StateSet other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_members.AsSpan()));
        return hash.ToHashCode();
    }
}

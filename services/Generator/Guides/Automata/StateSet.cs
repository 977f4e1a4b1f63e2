using System.Runtime.InteropServices;

namespace Parley.Generator.Guides.Automata;

/// <summary>A list of numbers that is compared by what it holds.</summary>
internal readonly struct StateSet(int[] members) : IEquatable<StateSet>
{
    private readonly int[] _members = members;

    public bool Equals(StateSet other) => Equals(other._members);

    /// <summary>Whether it holds just these.</summary>
    public bool Equals(ReadOnlySpan<int> members) => members.SequenceEqual(_members);

    public override bool Equals(object? obj) => obj is StateSet other && Equals(other);

    public override int GetHashCode() => Hash(_members);

    /// <summary>The hash of a set that holds these.</summary>
    public static int Hash(ReadOnlySpan<int> members)
    {
        var hash = new HashCode();
        hash.AddBytes(MemoryMarshal.AsBytes(members));
        return hash.ToHashCode();
    }
}

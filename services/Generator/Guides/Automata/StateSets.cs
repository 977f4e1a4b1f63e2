namespace Parley.Generator.Guides.Automata;

/// <summary>Compares sets with numbers that are in no set yet, so that one is made only where it is new.</summary>
internal sealed class StateSets : IEqualityComparer<StateSet>, IAlternateEqualityComparer<ReadOnlySpan<int>, StateSet>
{
    public static StateSets Comparer { get; } = new();

    public bool Equals(StateSet x, StateSet y) => x.Equals(y);

    public int GetHashCode(StateSet obj) => obj.GetHashCode();

    public bool Equals(ReadOnlySpan<int> alternate, StateSet other) => other.Equals(alternate);

    public int GetHashCode(ReadOnlySpan<int> alternate) => StateSet.Hash(alternate);

    public StateSet Create(ReadOnlySpan<int> alternate) => new(alternate.ToArray());
}

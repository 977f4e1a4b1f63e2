namespace Parley.Generator.Guides.Formulas;

/// <summary>A list of formulas with a few numbers, compared by what they are.</summary>
internal readonly struct StateKey(Formula[] formulas, params int[] numbers) : IEquatable<StateKey>
{
    private readonly Formula[] _formulas = formulas;
    private readonly int[] _numbers = numbers;

    public bool Equals(StateKey other) =>
        _numbers.AsSpan().SequenceEqual(other._numbers) && _formulas.AsSpan().SequenceEqual(other._formulas);

    public override bool Equals(object? obj) => obj is StateKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = 17;
        foreach (var formula in _formulas)
            hash = (hash * 31) + formula.Id;
        foreach (var number in _numbers)
            hash = (hash * 31) + number;
        return hash;
    }
}

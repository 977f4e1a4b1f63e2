namespace Parley.Generator.Guides.Automata;

/// <summary>What a number has shown of being an integer.</summary>
internal enum IntegerState : byte
{
    /// <summary>No point and no exponent.</summary>
    Plain,

    /// <summary>A point, and zeros at most behind it.</summary>
    ZeroFraction,

    /// <summary>A digit other than zero behind the point.</summary>
    Fraction,

    /// <summary>An exponent.</summary>
    Exponent,

    /// <summary>A negative exponent; the mantissa lies below ten, so the number below one.</summary>
    NegativeExponent,

    /// <summary>A negative exponent that is not zero.</summary>
    BelowOne,
}

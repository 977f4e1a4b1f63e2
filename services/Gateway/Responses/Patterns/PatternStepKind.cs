namespace Parley.Gateway.Responses.Patterns;

/// <summary>What an instruction of a compiled pattern does.</summary>
internal enum PatternStepKind
{
    /// <summary>Reads one code point and goes on behind itself.</summary>
    One,

    /// <summary>Goes two ways, one of them first.</summary>
    Split,

    /// <summary>Goes on elsewhere.</summary>
    Jump,

    /// <summary>Notes a group's beginning or end.</summary>
    Save,

    /// <summary>Goes on where the place is of a kind.</summary>
    Place,

    /// <summary>Goes on where something follows or precedes, or does not.</summary>
    Look,

    /// <summary>Reads what a group has read.</summary>
    Reference,

    /// <summary>The pattern has matched.</summary>
    Match,
}

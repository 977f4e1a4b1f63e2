namespace Parley.Generator.Adapters;

/// <summary>Why something about an adapter is refused.</summary>
internal enum AdapterRefusalKind
{
    /// <summary>What the caller gave is wrong: a name, a path, or the adapter that lies there.</summary>
    Invalid,

    /// <summary>No adapter of that name is served.</summary>
    Unknown,

    /// <summary>This service's model or settings take no adapters, or not this one.</summary>
    Unsupported,

    /// <summary>There is no room beside those that are served.</summary>
    Full,
}

namespace Parley.Gateway;

/// <summary>What happens to a field of an HTTP request that nobody knows.</summary>
public enum UnknownFields
{
    /// <summary>It is read over, and named in the response header <c>X-Parley-Ignored-Fields</c>.</summary>
    Ignore,

    /// <summary>The request is refused, naming it.</summary>
    Refuse,
}

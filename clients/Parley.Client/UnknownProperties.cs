namespace Parley.Client;

/// <summary>What happens to an additional property whose name is none of <see cref="ParleyProperties"/>.</summary>
public enum UnknownProperties
{
    /// <summary>It is left out: other clients of the same pipeline may know it.</summary>
    Ignore,

    /// <summary>The request is refused by name, so that a slip of the pen is seen.</summary>
    Refuse,
}

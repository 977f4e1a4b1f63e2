namespace Parley.ModelHub;

/// <summary>Why a pull did not come to its end.</summary>
public enum HubFailure
{
    /// <summary>The name, the choice or a setting cannot be used.</summary>
    Refused,

    /// <summary>There is no such repository, or it is private and the token may not see it.</summary>
    RepositoryNotFound,

    /// <summary>The repository has no such revision.</summary>
    RevisionNotFound,

    /// <summary>The repository has no such file.</summary>
    FileNotFound,

    /// <summary>The licence must be accepted first, or the token may not read this model.</summary>
    Gated,

    /// <summary>The token is wrong, or one is needed.</summary>
    Unauthorized,

    /// <summary>The server asked to wait longer than this program will.</summary>
    RateLimited,

    /// <summary>Requests are switched off, and the cache does not have it.</summary>
    Offline,

    /// <summary>The server could not be reached, or failed at every try.</summary>
    Unreachable,

    /// <summary>The server's answer contradicts itself or what it said before.</summary>
    Dishonest,

    /// <summary>The disk has no room.</summary>
    NoSpace,
}

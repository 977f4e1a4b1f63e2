namespace Parley.Generator.Guides.Json;

internal enum MembersPhase : byte
{
    /// <summary>Behind the opening bracket.</summary>
    Open,

    /// <summary>Behind a member or item.</summary>
    After,

    /// <summary>Behind a comma.</summary>
    More,
}

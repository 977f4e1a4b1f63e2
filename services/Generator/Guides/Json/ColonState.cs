namespace Parley.Generator.Guides.Json;

/// <summary>Behind a key.</summary>
internal sealed class ColonState(PendingMember member) : JsonState
{
    public PendingMember Member { get; } = member;
}

namespace Parley.Generator.Guides.Schemas;

/// <summary>A schema with an address of its own, and the names that are given to places inside it.</summary>
/// <param name="Address">Absolute address.</param>
/// <param name="Root">The schema.</param>
/// <param name="Dialect">The draft that it is written in.</param>
internal sealed record SchemaResource(Uri Address, JsonTree Root, SchemaDialect Dialect)
{
    /// <summary>Places by their <c>$anchor</c> (or <c>$dynamicAnchor</c>, or an <c>$id</c> that is a fragment only).</summary>
    public Dictionary<string, JsonTree> Anchors { get; } = [];
}

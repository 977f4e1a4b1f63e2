namespace Parley.Generator.Guides.Schemas;

/// <summary>Drafts of JSON Schema, so far as they differ in meaning.</summary>
internal enum SchemaDialect
{
    Draft4,
    Draft6,
    Draft7,
    Draft2019,
    Draft2020,
}

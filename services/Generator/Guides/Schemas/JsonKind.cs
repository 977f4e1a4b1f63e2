namespace Parley.Generator.Guides.Schemas;

/// <summary>Kinds of JSON values, as their first byte tells them apart.</summary>
internal enum JsonKind : byte
{
    Null,
    False,
    True,
    Number,
    String,
    Object,
    Array,
}

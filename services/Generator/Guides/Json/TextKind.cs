namespace Parley.Generator.Guides.Json;

internal enum TextKind : byte
{
    String,
    Number,
    Key,
}

namespace Parley.Generator.Guides.Automata;

internal enum PatternEdgeKind : byte
{
    Byte,
    Free,
    AtBegin,
    AtEnd,
}

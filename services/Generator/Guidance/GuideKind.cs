namespace Parley.Generator.Guidance;

/// <summary>What a guide is written in.</summary>
internal enum GuideKind
{
    JsonSchema,
    Regex,
    Choice,
    Grammar,
    StructuralTag,
}

namespace Parley.Gateway.Chat;

/// <summary>What language a guide (a constraint on the next token) is written in.</summary>
internal enum GuideKind
{
    JsonSchema,
    Regex,
    Grammar,
    Choice,
    StructuralTag,
}

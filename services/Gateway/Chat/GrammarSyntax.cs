namespace Parley.Gateway.Chat;

/// <summary>What a grammar is written in.</summary>
internal enum GrammarSyntax
{
    /// <summary>Its text tells.</summary>
    Unspecified,

    Gbnf,
    Lark,
}

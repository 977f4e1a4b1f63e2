namespace Parley.Generator.Guides.Notations;

/// <summary>What a grammar is written in.</summary>
internal enum GrammarSyntax
{
    /// <summary>To be found out from the text.</summary>
    Unspecified,

    /// <summary>GBNF, as llama.cpp has it.</summary>
    Gbnf,

    /// <summary>Lark.</summary>
    Lark,
}

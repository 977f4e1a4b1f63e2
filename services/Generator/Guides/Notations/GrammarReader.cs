using System.Text.RegularExpressions;
using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Notations;

/// <summary>Reads a grammar in either syntax.</summary>
internal static partial class GrammarReader
{
    /// <summary>Reads it.</summary>
    /// <param name="text">The grammar.</param>
    /// <param name="syntax">What it is written in; unspecified, it is GBNF where it defines a rule as GBNF does.</param>
    /// <param name="vocabulary">Tokens that it may name.</param>
    /// <param name="json">Makes a machine of a schema.</param>
    /// <exception cref="GuideException">It is none; line and column say where.</exception>
    public static Grammar Read(string text, GrammarSyntax syntax, TokenVocabulary vocabulary, Func<string, GuideMachine> json)
    {
        var isGbnf = syntax == GrammarSyntax.Gbnf || (syntax == GrammarSyntax.Unspecified && GbnfRule().IsMatch(text));
        return isGbnf ? GbnfReader.Read(text, vocabulary) : LarkReader.Read(text, vocabulary, json);
    }

    [GeneratedRegex(@"^[ \t]*[A-Za-z0-9_-]+[ \t]*::=",
        RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex GbnfRule();
}

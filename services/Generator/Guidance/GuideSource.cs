using System.Globalization;
using System.Text;
using Parley.Generator.Guides.Notations;

namespace Parley.Generator.Guidance;

/// <summary>A guide as a request gives it. Equal ones have one key, so that they are compiled once.</summary>
/// <param name="kind">What it is written in.</param>
/// <param name="texts">The schema, the pattern, the grammar or the structural tag; of a choice, all its texts.</param>
/// <param name="syntax">What a grammar is written in.</param>
internal sealed class GuideSource(GuideKind kind, IReadOnlyList<string> texts, GrammarSyntax syntax = GrammarSyntax.Unspecified)
{
    public GuideKind Kind => kind;

    public IReadOnlyList<string> Texts => texts;

    public GrammarSyntax Syntax => syntax;

    /// <summary>UTF-8 bytes of all texts.</summary>
    public long Bytes { get; } = texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text));

    /// <summary>Kind and texts, each with its length, so that no two guides share one.</summary>
    public string Key { get; } = Join(kind, texts, syntax);

    private static string Join(GuideKind kind, IReadOnlyList<string> texts, GrammarSyntax syntax)
    {
        var key = new StringBuilder(kind.ToString());
        if (syntax != GrammarSyntax.Unspecified)
            key.Append('.').Append(syntax);
        foreach (var text in texts)
            key.Append(CultureInfo.InvariantCulture, $" {text.Length}:").Append(text);
        return key.ToString();
    }
}

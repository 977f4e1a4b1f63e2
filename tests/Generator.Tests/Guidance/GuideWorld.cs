using System.Text;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Vocabulary;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Guidance;

/// <summary>
/// A vocabulary as large as the scripted model's: the characters of small JSON texts, pieces of several of them, one special token and the
/// end.
/// </summary>
internal static class GuideWorld
{
    /// <summary>A token that is no text, and no end either: <c>&lt;|tool|&gt;</c>.</summary>
    public const uint Special = 62;

    private static readonly string[] Pieces =
    [
        .. "{}[]\":,-.\\0123456789abcdefghijklmnopqrstuvwxyz".Select(character => character.ToString()),
        "{\"", "\":", "\":\"", "\",\"", "true", "false", "null", "name", "na", "age", "\"}", "},", "}]", "[{", "12", "ab",
    ];

    public static TokenVocabulary Tokens { get; } = new(
        [.. Pieces.Select(Encoding.UTF8.GetBytes), null, null], [(int)EngineBench.Eos],
        new TokenNames(new Dictionary<string, int> { ["<|tool|>"] = (int)Special, ["<|end|>"] = (int)EngineBench.Eos }));

    public static Guide Schema(string schema) => Guide.FromSchema(schema, GuideSettings.Default, Tokens);

    /// <summary>The id of a piece.</summary>
    public static uint Id(string piece) => (uint)Array.IndexOf(Pieces, piece);

    /// <summary>The text of an answer; the end and special tokens have none.</summary>
    public static string Text(IEnumerable<uint> answer) => string.Concat(answer.Select(id => id < Pieces.Length ? Pieces[id] : ""));
}

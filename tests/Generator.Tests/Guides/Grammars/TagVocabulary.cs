using System.Text;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Notations;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>
/// The 256 bytes (id n + 1 is byte n), some words, special tokens, and two ids that end an answer: 0, which has no content, and
/// <c>&lt;|im_end|&gt;</c>.
/// </summary>
internal static class TagVocabulary
{
    private static readonly string[] Words = ["<tool_call>", "</tool_call>", "hello", "aa", "call>{"];
    private static readonly string[] Specials = ["<|tool|>", "<|im_end|>", "<|sep|>", "<|tool|>x"];

    public static TokenVocabulary Instance { get; } = Make();

    public static int Id(string special) => 257 + Words.Length + Array.IndexOf(Specials, special);

    public static int Word(string word) => 257 + Array.IndexOf(Words, word);

    public static Guide Tag(string format) => Guide.FromStructuralTag(
        $$"""{"type":"structural_tag","format":{{format}}}""", GuideSettings.Default, Instance);

    public static Guide Grammar(string grammar, GrammarSyntax syntax = GrammarSyntax.Unspecified) =>
        Guide.FromGrammar(grammar, syntax, GuideSettings.Default, Instance);

    /// <summary>Whether the guide lets a text pass to its end; <c>«name»</c> within it is a token.</summary>
    public static bool Accepts(Guide guide, string text) => TryFollow(guide, text, out var matcher) && matcher.MayEnd;

    /// <summary>Leads a matcher over a text, byte by byte and token by token; each must be in the mask exactly if it is taken.</summary>
    public static bool TryFollow(Guide guide, string text, out GuideMatcher matcher)
    {
        matcher = guide.Begin();
        foreach (var token in Tokens(text))
        {
            var allowed = IsAllowed(matcher, token);
            if (token != Id("<|im_end|>") || allowed)
                Assert.Equal(allowed, Probe(matcher, token));
            if (!matcher.TryTake(token))
                return false;
        }

        return true;
    }

    public static bool IsAllowed(GuideMatcher matcher, int token)
    {
        var mask = new uint[Instance.Words];
        matcher.FillMask(mask);
        return ((mask[token >> 5] >> token) & 1) != 0;
    }

    private static bool Probe(GuideMatcher matcher, int token)
    {
        var mark = matcher.Mark;
        var isTaken = matcher.TryTake(token);
        matcher.Return(mark);
        return isTaken;
    }

    private static IEnumerable<int> Tokens(string text)
    {
        foreach (var part in text.Split('»'))
        {
            var at = part.IndexOf('«', StringComparison.Ordinal);
            foreach (var next in Encoding.UTF8.GetBytes(at < 0 ? part : part[..at]))
                yield return next + 1;
            if (at >= 0)
                yield return Array.IndexOf(Words, part[(at + 1)..]) >= 0 ? Word(part[(at + 1)..]) : Id(part[(at + 1)..]);
        }
    }

    private static TokenVocabulary Make()
    {
        byte[]?[] tokens =
        [
            null, .. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), .. Words.Select(Encoding.UTF8.GetBytes),
            .. Specials.Select(_ => (byte[]?)null),
        ];
        var names = new TokenNames(Specials.ToDictionary(special => special, special => 257 + Words.Length + Array.IndexOf(Specials, special)));
        return new TokenVocabulary(tokens, [0, 257 + Words.Length + 1], names);
    }
}

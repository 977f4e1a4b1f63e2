using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Notations;

namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>GBNF: what its syntax means, and where a mistake is.</summary>
public sealed class GbnfTests
{
    public static TheoryData<string, string, string> Grammars => new()
    {
        { "root ::= \"a\" | \"bc\"", "a|bc", "|b|abc" },
        { "root ::= \"a\"\n | \"b\"\n", "a|b", "ab" },
        { "root ::= (\n  \"a\" # one\n  \"b\"\n)+ # more\n", "ab|abab", "|a" },
        { "# first\nroot ::= item more\nmore ::=\n  \",\" item |\n  \"\"\nitem ::= [0-9]", "1|1,2", "1,|," },
        { "root ::= \"\\x41\\u00e9\\U0001F600\\n\\t\\r\\\\\\\"\\[\\]\"", "AéÜ".Replace("Ü", "😀\n\t\r\\\"[]", StringComparison.Ordinal), "A" },
        { "root ::= [a-cx\\]\\-é]", "a|b|c|x|]|-|é", "d|\\|" },
        { "root ::= [^a-c\\n]", "d|ü|😀", "a|\n|" },
        { "root ::= [-a] [a-]", "--|aa|-a", "b-" },
        { "root ::= .", "x|\n|ü", "|xx" },
        { "root ::= \"a\"* \"b\"+ \"c\"?", "b|aabbc|bc", "a|c|bcc" },
        { "root ::= \"a\"{2} \"b\"{1,} \"c\"{0,2} \"d\"{,1}", "aab|aabbccd", "ab|aabccc|aabdd" },
        { "root ::= (\"a\" | \"b\" \"c\"){2,3}", "aa|abc|bcbca", "a|ab" },
        { "root ::= root \"a\" | \"b\"", "b|ba|baaa", "a|ab|bb" },
        { "root ::= \"a\" root | \"\"", "|a|aaa", "b" },
        { "root ::= \"(\" root \")\" root | ", "|()|(())()", "(|)(" },
        { "root ::= root root | \"a\"", "a|aaaa", "|b" },
        { "root ::= a a a\na ::= b? \nb ::= \"x\" | a", "|x|xxx", "xxxx|y" },
        { "UPPER-case_1 ::= \"u\"\nroot ::= UPPER-case_1", "u", "U" },
        { "root ::= \"a\"\nunused ::= unused \"x\"", "a", "x" },
        { "root::=\"a\"\r\nother ::= \"b\"\r\n", "a", "b" },
    };

    [Theory]
    [MemberData(nameof(Grammars))]
    public void Accepts_AGrammar_LetsExactlyItsTextsPass(string grammar, string accepted, string refused)
    {
        var guide = TagVocabulary.Grammar(grammar);
        Assert.All(accepted.Split('|'), text => Assert.True(TagVocabulary.Accepts(guide, text), text));
        Assert.All(refused.Split('|'), text => Assert.False(TagVocabulary.Accepts(guide, text), text));
    }

    [Theory]
    [InlineData("root ::= \"a\" b\n", "line 1, column 14", "'b' is not defined")]
    [InlineData("root ::= \"a\"\n\nb = \"c\"", "line 3, column 3", "needs '::='")]
    [InlineData("root ::= \"a", "line 1, column 10", "not closed")]
    [InlineData("root ::= [a", "line 1, column 10", "not closed")]
    [InlineData("root ::= \"\\q\"", "line 1, column 11", "escape")]
    [InlineData("root ::= \"\\x4\"", "line 1, column 11", "2 hexadecimal digits")]
    [InlineData("root ::= \"\\ud800\"", "line 1, column 11", "names no character")]
    [InlineData("root ::= [z-a]", "line 1, column 11", "out of order")]
    [InlineData("root ::= []", "line 1, column 10", "holds none")]
    [InlineData("root ::= (\"a\"\nb ::= \"c\"", "line 2, column 3", "')'")]
    [InlineData("root ::= * \"a\"", "line 1, column 10", "repeats nothing")]
    [InlineData("root ::= \"a\"{3,2}", "line 1, column 13", "out of order")]
    [InlineData("root ::= \"a\"{x}", "line 1, column 14", "number")]
    [InlineData("root ::= \"a\"{99999999999}", "line 1, column 14", "too large")]
    [InlineData("root ::= \"a\" )", "line 1, column 14", "does not belong")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1", "defined twice")]
    [InlineData("other ::= \"a\"", "", "no rule 'root'")]
    [InlineData("root ::= <[9999]>", "line 1, column 10", "no token 9999")]
    [InlineData("root ::= <nothing>", "line 1, column 10", "no token <nothing>")]
    [InlineData("root ::= \"a\" | loop\nloop ::= \"x\" loop", "", "the rule 'loop' matches no text")]
    public void Grammar_ThatIsWrong_IsRefusedWithItsPlace(string grammar, string place, string message)
    {
        var fault = Assert.Throws<GuideException>(() => TagVocabulary.Grammar(grammar, GrammarSyntax.Gbnf));
        Assert.Equal(place, fault.Place);
        Assert.Contains(message, fault.Message);
    }

    [Fact]
    public void Accepts_TokenReferences_AreTokensAsThemselves()
    {
        var special = TagVocabulary.Id("<|tool|>");
        var guide = TagVocabulary.Grammar($"root ::= <[{special}]> [0-9]+ <|sep|>");
        Assert.True(TagVocabulary.Accepts(guide, "«<|tool|>»12«<|sep|>»"));
        Assert.False(TagVocabulary.Accepts(guide, "<|tool|>12«<|sep|>»"));
        Assert.False(TagVocabulary.Accepts(guide, "«<|sep|>»12«<|sep|>»"));

        var other = TagVocabulary.Grammar("root ::= <tool_call> !</tool_call>* </tool_call>");
        Assert.True(TagVocabulary.Accepts(other, "«<tool_call>»«hello»x«</tool_call>»"));
        Assert.True(TagVocabulary.Accepts(other, "<tool_call></tool_call>"));
        Assert.False(TagVocabulary.Accepts(other, "«<tool_call>»«<|sep|>»"));
        Assert.False(TagVocabulary.Accepts(other, "«<tool_call>»«</tool_call>»x"));
    }

    [Fact]
    public void Accepts_ATokenByItselfAndByItsBytes_GoesOnBothWays()
    {
        var word = TagVocabulary.Word("hello");
        var guide = TagVocabulary.Grammar($"root ::= <[{word}]> \"a\" | \"hello\" \"b\" | \"hel\" <[{word}]>");
        Assert.All(["«hello»a", "«hello»b", "hellob", "hel«hello»"], text => Assert.True(TagVocabulary.Accepts(guide, text), text));
        Assert.All(["helloa", "«hello»c"], text => Assert.False(TagVocabulary.Accepts(guide, text), text));
    }

    [Theory]
    [InlineData("root ::= \"x\" root | \"x\"")]
    [InlineData("root ::= root \"x\" | \"x\"")]
    [InlineData("root ::= item+\nitem ::= \"x\" | \"xx\"")]
    [InlineData("root ::= list\nlist ::= item list | item\nitem ::= \"x\"")]
    public void TryTake_TenThousandTimes_MeetsFewStates(string grammar)
    {
        var matcher = TagVocabulary.Grammar(grammar).Begin();
        for (var i = 0; i < 20; i++)
            Assert.True(matcher.TryTake('x' + 1));
        var bytes = matcher.Guide.Machine.Bytes;
        for (var i = 0; i < 10_000; i++)
            Assert.True(matcher.TryTake('x' + 1));
        Assert.True(matcher.MayEnd);
        Assert.Equal(bytes, matcher.Guide.Machine.Bytes);
    }

    [Fact]
    public void TryTake_MoreStatesThanAreKept_ForgetsThemAndGoesOn()
    {
        using var work = GuideLimits.Enter(GuideBudget.Default with { StatesMax = 50 });
        var matcher = TagVocabulary.Grammar("root ::= \"(\" root \")\" | \"x\"").Begin();
        for (var i = 0; i < 500; i++)
            Assert.True(matcher.TryTake('(' + 1));
        Assert.True(matcher.TryTake('x' + 1));
        for (var i = 0; i < 500; i++)
        {
            Assert.False(matcher.MayEnd);
            Assert.True(matcher.TryTake(')' + 1));
        }

        Assert.True(matcher.MayEnd);
        Assert.False(matcher.TryTake(')' + 1));
        Assert.InRange(matcher.Guide.Machine.Bytes, 1, 100_000);
    }
}

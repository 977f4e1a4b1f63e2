using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Notations;

namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>Lark's syntax: what it means here, without a scanner, and where a mistake is.</summary>
public sealed class LarkTests
{
    public static TheoryData<string, string, string> Grammars => new()
    {
        { "start: \"a\" | \"bc\"", "a|bc", "|b" },
        { "// one\n?start: item (\",\" item)* # two\n!item: /[0-9]+/\n  | NAME -> name\nNAME.2: \"x\"..\"z\"\n", "1|12,x|y,z,3", ",|1,|w" },
        { "start: \"aB\"i /c./i /d./s", "abCcd\n|ABcxdd", "abc\ndd|aBd" },
        { "start: \"a\"~2 \"b\"~1..2 \"c\"?", "aab|aabbc", "ab|aabbb" },
        { "start: [\"a\"] (\"b\" | \"c\")+", "b|abc|cc", "a|" },
        { "start: start \"x\" | \"y\"", "y|yxx", "x" },
        { "%import common.INT\n%import common.WS\n%ignore WS\nstart: \"id=\" INT (\",\" \"id=\" INT)*\n", "id=1|  id= 2 , id=33 \n", "i d=1|id=1 2" },
        { "%import common (SIGNED_NUMBER, ESCAPED_STRING, CNAME)\nstart: CNAME \":\" (SIGNED_NUMBER | ESCAPED_STRING)",
            "a_1:-1.5e3|b:\"x\\\"y\"|c:.5", "1a:1|a:\"x|a:\"x\ny\"" },
        { "%import common.NEWLINE -> _NL\nstart: (\"a\" _NL)+", "a\n|a\r\na\n\n", "a" },
        { "%ignore \" \" | /#[^\\n]*\\n/\nstart: WORD WORD\nWORD: LETTER+\nLETTER: /[a-z]/", "ab|a b|a #x\nb", "a|a#b" },
        { "start: \"\\u00e9\\x41\\n\\\"\"", "éA\n\"", "e" },
        { "start: /a\\/b|c/", "a/b|c", "a" },
        { "start: \"x\" %json {\"type\":\"integer\",\"maximum\":9,\"minimum\":0} \"y\"", "x1y|x9y", "x10y|xy|x1" },
        { "start: <|tool|> \"a\"", "«<|tool|>»a", "<|tool|>a" },
        { "start: (\"a\"\n  \"b\" |\n \"c\")", "ab|c", "a" },
        { "start: \"a\" |", "a|", "b" },
        { "%import common.C_COMMENT\n%import common.SQL_COMMENT\nstart: C_COMMENT | SQL_COMMENT", "/**/|/* a * b **/|-- x", "/*/|/**/ */|- x" },
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
    [InlineData("start: \"a\" b\n", "line 1, column 12", "'b' is not defined")]
    [InlineData("rule: \"a\"", "", "no rule 'start'")]
    [InlineData("start \"a\"", "line 1, column 7", "needs ':'")]
    [InlineData("start: \"a", "line 1, column 8", "not closed")]
    [InlineData("start: /a", "line 1, column 8", "not closed")]
    [InlineData("start: /(?=a)/", "line 1, column 8", "look-around")]
    [InlineData("start: /a/x", "line 1, column 8", "flag x")]
    [InlineData("start: \"ab\"..\"c\"", "line 1, column 8", "two characters in order")]
    [InlineData("start: \"a\"~2..1", "line 1, column 11", "out of order")]
    [InlineData("start: (\"a\"", "line 1, column 12", "')'")]
    [InlineData("start: \"\\q\"", "line 1, column 9", "escape")]
    [InlineData("start: A\nA: b\nb: \"x\"", "line 2, column 4", "can't hold the rule")]
    [InlineData("start: A\nA: \"x\" B\nB: \"y\" A?", "line 3, column 8", "holds itself")]
    [InlineData("start: \"a\"\nstart: \"b\"", "line 2, column 1", "defined twice")]
    [InlineData("%declare A\nstart: A", "line 1, column 1", "%declare")]
    [InlineData("%import python.NAME\nstart: NAME", "line 1, column 9", "'common'")]
    [InlineData("%import common.NOTHING\nstart: NOTHING", "line 1, column 16", "'NOTHING'")]
    [InlineData("list{x}: x+\nstart: list{\"a\"}", "line 1, column 5", "templates")]
    [InlineData("start: %json {\"type\":\"colour\"}", "line 1, column 8", "at /type")]
    [InlineData("start: %json {", "line 1, column 14", "as JSON")]
    [InlineData("start: %lark x", "line 1, column 8", "only %json")]
    [InlineData("start: @other", "line 1, column 8", "other grammars")]
    [InlineData("start: loop\nloop: \"x\" loop", "", "matches no text")]
    [InlineData("start: \"a\" $", "line 1, column 12", "does not belong")]
    public void Grammar_ThatIsWrong_IsRefusedWithItsPlace(string grammar, string place, string message)
    {
        var fault = Assert.Throws<GuideException>(() => TagVocabulary.Grammar(grammar, GrammarSyntax.Lark));
        Assert.Equal(place, fault.Place);
        Assert.Contains(message, fault.Message);
    }
}

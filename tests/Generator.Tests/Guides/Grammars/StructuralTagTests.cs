using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>Structural tags: what each format lets pass, as bytes and as tokens.</summary>
public sealed class StructuralTagTests
{
    private const string Number = """{"type":"json_schema","json_schema":{"type":"integer","minimum":0,"maximum":99}}""";

    private const string Call =
        """{"type":"tag","begin":"<f=a>","content":{"type":"json_schema","json_schema":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"],"additionalProperties":false}},"end":"</f>"}""";

    private const string Other = """{"type":"tag","begin":"<f=b>","content":{"type":"json_schema","json_schema":{"type":"boolean"}},"end":"</f>"}""";

    public static TheoryData<string, string, string> Formats => new()
    {
        { """{"type":"const_string","value":"aü"}""", "aü", "|a|aüa" },
        { Number, "0|7|99", "|100|07|-1" },
        { """{"type":"regex","pattern":"^[ab]{2}$|c"}""", "ab|c", "a|abc|cc" },
        { """{"type":"grammar","grammar":"root ::= \"x\" root \"y\" | \"\""}""", "|xy|xxyy", "x|xyx" },
        { """{"type":"grammar","grammar":"start: \"x\"+ NUMBER\n%import common.INT -> NUMBER"}""", "x1|xxx12", "x|1" },
        { """{"type":"any_text"}""", "|anything ü\n<>", "" },
        { """{"type":"any_text","excludes":["ab","ü"]}""", "|a|aa b", "ab|aab|xü" },
        { """{"type":"sequence","elements":[{"type":"const_string","value":"a"},{"type":"any_text"},{"type":"const_string","value":"b"}]}""",
            "ab|axb|abb|abxb", "a|b|aba" },
        { """{"type":"or","elements":[{"type":"const_string","value":"a"},""" + Number + "]}", "a|12", "|b|a1" },
        { """{"type":"sequence","elements":[""" + Number + """,{"type":"regex","pattern":"[0-9x]*"}]}""", "1|12|123|1x|99x9", "|x|07x!" },
        { """{"type":"optional","content":{"type":"const_string","value":"ab"}}""", "|ab", "a|abab" },
        { """{"type":"star","content":{"type":"const_string","value":"ab"}}""", "|ab|abab", "a|aba" },
        { """{"type":"plus","content":{"type":"const_string","value":"ab"}}""", "ab|abab", "|aba" },
        { """{"type":"repeat","min":1,"max":2,"content":{"type":"const_string","value":"ab"}}""", "ab|abab", "|ababab" },
        { """{"type":"repeat","min":2,"max":-1,"content":{"type":"const_string","value":"a"}}""", "aa|aaaaa", "|a" },
        { """{"type":"tag","begin":"<t>","content":{"type":"any_text"},"end":"</t>"}""", "<t></t>|<t>a</b</</t>|<t><t></t>", "<t>|<t>a</t></t>|</t>" },
        { """{"type":"tag","begin":"(","content":{"type":"any_text"},"end":"aa"}""", "(aa|(baa|(abaa", "(a|(aaa|(aab" },
        { """{"type":"tag","begin":"(","content":{"type":"any_text"},"end":["]",")","))"]}""", "()|(x]", "())|(" },
        { """{"type":"tag","begin":"(","content":{"type":"any_text"},"end":""}""", "(|(x", ")" },
        { """{"type":"tag","begin":"(","content":{"type":"any_text","excludes":["</t>","t>x"]},"end":"</t>"}""", "(</t>|(a</t>", "(t>x</t>" },
        { """{"type":"tag","begin":"(","content":{"type":"any_text","excludes":["/"]},"end":"</t>"}""", "(</t>|(a<</t>", "(/</t>|(</x</t>" },
        { """{"type":"tag","begin":"(","content":{"type":"sequence","elements":[{"type":"any_text"},{"type":"const_string","value":"!"}]},"end":")"}""",
            "(!)|(x!!)", "()|(x)!)|(x)" },
        { """{"type":"triggered_tags","triggers":["<f="],"tags":[""" + Call + "," + Other + "]}",
            "|text <f|<f=a>{\"x\":1}</f>|a<f=b>true</f>b<f=a>{\"x\":2}</f>c", "<f=|<f=c>|<f=b>1</f>|<f=b>true" },
        { """{"type":"triggered_tags","triggers":["<f="],"at_least_one":true,"tags":[""" + Other + "]}",
            "<f=b>true</f>|<f=b>true</f> x <f=b>false</f>", "|x|x<f=b>true</f>" },
        { """{"type":"triggered_tags","triggers":["<f="],"stop_after_first":true,"tags":[""" + Other + "]}",
            "|x|x<f=b>true</f>", "<f=b>true</f>x" },
        { """{"type":"triggered_tags","triggers":["<f="],"at_least_one":true,"stop_after_first":true,"tags":[""" + Other + "]}",
            "<f=b>true</f>", "|<f=b>true</f><f=b>true</f>" },
        { """{"type":"triggered_tags","triggers":["<f="],"excludes":["no"],"tags":[""" + Other + "]}", "n|n<f=b>true</f>o", "no|a no<f=b>true</f>" },
        { """{"type":"tag","begin":"(","end":")","content":{"type":"triggered_tags","triggers":["<f="],"tags":[""" + Other + "]}}",
            "()|(x<f=b>true</f>y)", "(x|(x))" },
        { """{"type":"tags_with_separator","separator":", ","tags":[""" + Call + "," + Other + "]}",
            "|<f=b>true</f>|<f=b>true</f>, <f=a>{\"x\":-5}</f>", "<f=b>true</f>,|<f=b>true</f><f=b>true</f>| " },
        { """{"type":"tags_with_separator","separator":",","at_least_one":true,"tags":[""" + Other + "]}", "<f=b>true</f>", "|," },
        { """{"type":"tags_with_separator","separator":",","stop_after_first":true,"tags":[""" + Other + "]}",
            "|<f=b>true</f>", "<f=b>true</f>,<f=b>true</f>" },
        { """{"type":"dispatch","rules":[["<f>",""" + Number + "]]}", "|a|a<f>1|<f>12 b<f>3", "<f>|<f>x" },
        { """{"type":"dispatch","loop":false,"rules":[["<f>",""" + Number + "]]}", "|a|a<f>1", "<f>12 b" },
        { """{"type":"any_tokens"}""", "|hello", "" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void Accepts_AFormat_LetsExactlyItsTextsPass(string format, string accepted, string refused)
    {
        var guide = TagVocabulary.Tag(format);
        Assert.All(accepted.Split('|'), text => Assert.True(TagVocabulary.Accepts(guide, text), text));
        Assert.All(refused.Split('|').Where(text => refused.Length > 0), text => Assert.False(TagVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void Accepts_TheOlderForm_IsTriggeredTags()
    {
        var guide = Guide.FromStructuralTag(
            """{"type":"structural_tag","structures":[{"begin":"<f=a>","schema":{"type":"boolean"},"end":"</f>"}],"triggers":["<f="]}""",
            GuideSettings.Default, TagVocabulary.Instance);
        Assert.All(["", "x", "<f=a>true</f>", "x<f=a>true</f>y<f=a>false</f>"], text => Assert.True(TagVocabulary.Accepts(guide, text), text));
        Assert.All(["<f=b>", "<f=a>1</f>"], text => Assert.False(TagVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void Accepts_SpecialTokensInLiterals_AreSaidAsTokensOnly()
    {
        var guide = TagVocabulary.Tag("""{"type":"tag","begin":"<|tool|>f","content":""" + Number + ""","end":"<|sep|>"}""");
        Assert.True(TagVocabulary.Accepts(guide, "«<|tool|>»f12«<|sep|>»"));
        Assert.All(
            ["<|tool|>f12«<|sep|>»", "«<|tool|>»f12<|sep|>", "«<|sep|>»f12«<|sep|>»", "«<|tool|>»«<|tool|>»f12«<|sep|>»", "«<|tool|>x»f1"],
            text => Assert.False(TagVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void Accepts_AddedTokensThatAreText_AreSaidEitherWay()
    {
        var guide = TagVocabulary.Tag("""{"type":"tag","begin":"<tool_call>","content":""" + Number + ""","end":"</tool_call>"}""");
        Assert.All(["«<tool_call>»1«</tool_call>»", "<tool_call>1</tool_call>", "<tool_call>1«</tool_call>»"],
            text => Assert.True(TagVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void Accepts_FreeText_IsTriggeredByASpecialTokenAndTakesNoOther()
    {
        var guide = TagVocabulary.Tag(
            """{"type":"triggered_tags","triggers":["<|tool|>"],"tags":[{"type":"tag","begin":"<|tool|>go","content":"""
            + Number + ""","end":"<|sep|>"}]}""");
        Assert.All(["", "a <|tool|>", "a«<|tool|>»go1«<|sep|>»b«<|tool|>»go2«<|sep|>»", "«hello»"],
            text => Assert.True(TagVocabulary.Accepts(guide, text), text));
        Assert.All(["«<|tool|>»", "«<|tool|>»x", "«<|sep|>»", "a«<|tool|>x»", "«<|tool|>»go1«<|sep|>»«<|sep|>»"],
            text => Assert.False(TagVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void Accepts_TriggerThatEndsWithinAToken_IsCompleteWithTheToken()
    {
        var guide = TagVocabulary.Tag(
            """{"type":"triggered_tags","triggers":["<|to"],"tags":[{"type":"tag","begin":"<|tool|>go","content":"""
            + Number + ""","end":"."}]}""");
        Assert.All(["", "<|t", "a«<|tool|>»go1."], text => Assert.True(TagVocabulary.Accepts(guide, text), text));
        Assert.All(["<|to", "«<|tool|>»"], text => Assert.False(TagVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void FillMask_EndThatEndsTheAnswer_IsAllowedWhereTheTagMayEnd()
    {
        var guide = TagVocabulary.Tag("""{"type":"tag","begin":"<f>","content":""" + Number + ""","end":"<|im_end|>"}""");
        var (end, plain) = (TagVocabulary.Id("<|im_end|>"), 0);
        Assert.True(TagVocabulary.TryFollow(guide, "<f>", out var matcher));
        Assert.False(TagVocabulary.IsAllowed(matcher, end));
        Assert.True(TagVocabulary.TryFollow(guide, "<f>4", out matcher));
        Assert.True(TagVocabulary.IsAllowed(matcher, end));
        Assert.False(TagVocabulary.IsAllowed(matcher, plain));
        Assert.False(matcher.MayEnd);

        var longer = TagVocabulary.Tag(
            """{"type":"sequence","elements":[{"type":"tag","begin":"<f>","content":""" + Number
            + ""","end":["<|im_end|>","."]},{"type":"const_string","value":"!"}]}""");
        Assert.True(TagVocabulary.TryFollow(longer, "<f>4", out matcher));
        Assert.False(TagVocabulary.IsAllowed(matcher, end));
    }

    [Fact]
    public void Accepts_TokenFormats_NameTokensByIdAndContent()
    {
        var id = TagVocabulary.Id("<|sep|>");
        var guide = TagVocabulary.Tag(
            $$"""{"type":"tag","begin":{"type":"token","token":"<|tool|>"},"content":{"type":"any_tokens"},"end":{"type":"token","token":{{id}}}}""");
        Assert.True(TagVocabulary.Accepts(guide, "«<|tool|>»«hello»x«<|sep|>»"));
        Assert.False(TagVocabulary.Accepts(guide, "«<|tool|>»«<|tool|>»«<|sep|>»"));

        var other = TagVocabulary.Tag("""{"type":"exclude_token","exclude_tokens":["hello"]}""");
        Assert.True(TagVocabulary.Accepts(other, "«aa»"));
        Assert.False(TagVocabulary.Accepts(other, "«hello»"));
        Assert.False(TagVocabulary.Accepts(other, "«<|sep|>»"));

        var triggered = TagVocabulary.Tag(
            """{"type":"token_triggered_tags","trigger_tokens":["<|tool|>"],"exclude_tokens":["<|sep|>"],"tags":[{"type":"tag","begin":{"type":"token","token":"<|tool|>"},"content":"""
            + Number + ""","end":{"type":"token","token":"<|sep|>"}}]}""");
        Assert.True(TagVocabulary.Accepts(triggered, "x«<|tool|>»3«<|sep|>»y"));
        Assert.False(TagVocabulary.Accepts(triggered, "x«<|sep|>»"));
    }

    [Theory]
    [InlineData("""{"type":"sequence"}""", "/format/elements", "is missing")]
    [InlineData("""{"type":"sequence","elements":[]}""", "/format/elements", "at least 1")]
    [InlineData("""{"type":"music"}""", "/format/type", "'music' is no format")]
    [InlineData("""{"type":"const_string","value":"a","valeu":"b"}""", "/format/valeu", "is not supported here")]
    [InlineData("""{"type":"or","elements":[{"type":"json_schema","json_schema":{"properties":{"a":{"type":"colour"}}}}]}""",
        "/format/elements/0/json_schema/properties/a/type", "colour")]
    [InlineData("""{"type":"json_schema","json_schema":false}""", "/format/json_schema", "no text meets the schema")]
    [InlineData("""{"type":"regex","pattern":"a("}""", "/format/pattern", "not closed")]
    [InlineData("""{"type":"grammar","grammar":"root ::= a"}""", "/format/grammar, line 1, column 10", "'a' is not defined")]
    [InlineData("""{"type":"repeat","min":3,"max":2,"content":{"type":"any_text"}}""", "/format/max", "less than min")]
    [InlineData("""{"type":"any_text","max_tokens":5}""", "/format/max_tokens", "not supported")]
    [InlineData("""{"type":"any_text","excludes":[""]}""", "/format/excludes/0", "empty")]
    [InlineData("""{"type":"tag","begin":"a","content":{"type":"any_text"},"end":7}""", "/format/end", "must be a text")]
    [InlineData("""{"type":"token","token":"nothing"}""", "/format/token", "content of a token")]
    [InlineData("""{"type":"qwen_xml_parameter","json_schema":{}}""", "/format/type", "not supported")]
    [InlineData("""{"type":"triggered_tags","triggers":["b"],"tags":[{"type":"tag","begin":"a","content":{"type":"any_text"},"end":"c"}]}""",
        "/format/tags/0/begin", "none of the triggers")]
    [InlineData("""{"type":"triggered_tags","triggers":["a","ab"],"tags":[{"type":"tag","begin":"abc","content":{"type":"any_text"},"end":"c"}]}""",
        "/format/tags/0/begin", "several of the triggers")]
    public void Tag_ThatIsWrong_IsRefusedWithItsPlace(string format, string place, string message)
    {
        var fault = Assert.Throws<GuideException>(() => TagVocabulary.Tag(format));
        Assert.Equal(place, fault.Place);
        Assert.Contains(message, fault.Message);
    }

    [Theory]
    [InlineData("{", "no JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("""{"type":"json_schema"}""", "structural_tag")]
    [InlineData("""{"type":"structural_tag"}""", "is missing")]
    [InlineData("""{"type":"structural_tag","structures":[],"triggers":["a"]}""", "at least 1")]
    public void Tag_ThatIsNone_IsRefused(string tag, string message) => Assert.Contains(
        message,
        Assert.Throws<GuideException>(() => Guide.FromStructuralTag(tag, GuideSettings.Default, TagVocabulary.Instance)).Message);
}

using System.Text;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Notations;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Tests.Guides;

/// <summary>
/// A mask is made from parts that are known beforehand; it must be what taking each token byte by byte says, wherever a text stands.
/// </summary>
public sealed class MaskTests
{
    private static readonly string[] Names =
        ["a", "ab", "abc", "id", "name", "na me", "naïve", "quote\"d", "x-1", "zz", "0", "longername12"];

    private static readonly TokenVocabulary Vocabulary = new(Tokens(), [0]);

    private static readonly string Many = string.Join(',', Enumerable.Range(0, 60).Select(i => $"\"{Name(i)}\":{{\"type\":\"integer\"}}"));

    [Theory]
    [InlineData("""{"type":"string"}""")]
    [InlineData("""{"type":"string","pattern":"^.{1,30}$"}""")]
    [InlineData("""{"type":"string","pattern":"^[a-z0-9]{2,9}$"}""")]
    [InlineData("""{"type":"string","pattern":"^[^<>]+$"}""")]
    [InlineData("""{"type":"string","pattern":"^[a-z]+(-[a-z]+)*$"}""")]
    [InlineData("""{"type":"string","pattern":"^\\S+ \\S+$","maxLength":12}""")]
    [InlineData("""{"type":"string","pattern":"é|b"}""")]
    [InlineData("""{"type":"string","pattern":"[0a]{3}-[ab]{2}( |é)?x|zz$"}""")]
    [InlineData("""{"type":"string","pattern":"a{4}|x^b","maxLength":60}""")]
    [InlineData("""{"type":"string","pattern":"b^a|z^|^ab"}""")]
    [InlineData("""{"type":"array","items":{"type":"string","pattern":"0[a-z]{3,5}"},"uniqueItems":true}""")]
    [InlineData("""{"oneOf":[{"type":"string","pattern":"a{3}"},{"type":"string","pattern":"b{2}-"}]}""")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":7}""")]
    [InlineData("""{"type":"string","minLength":2,"not":{"const":"abc"}}""")]
    [InlineData("""{"anyOf":[{"const":"a"},{"const":"ab"},{"type":"string","pattern":"^[A-Z]+$"},{"enum":["name","0",12]}]}""")]
    [InlineData("""{"oneOf":[{"type":"string","maxLength":4},{"type":"string","minLength":3}]}""")]
    [InlineData("""{"type":"array","items":{"oneOf":[{"type":"string","maxLength":4},{"type":"string","pattern":"^[a-m ]{3,}$"}]}}""")]
    [InlineData("""{"type":"array","items":{"type":"string"},"contains":{"type":"string","pattern":"^a{2,6}$"},"maxItems":3}""")]
    [InlineData("""{"type":"array","items":{"enum":["a","ab","abc","b\"",1,12]},"uniqueItems":true}""")]
    [InlineData("""{"type":"array","items":{"type":"string"},"uniqueItems":true,"maxItems":3}""")]
    [InlineData("""{"type":"array","items":{"type":"string","minLength":1},"uniqueItems":true,"minItems":2}""")]
    [InlineData("""{"type":"array","items":{"type":"string","minLength":1,"maxLength":40},"uniqueItems":true}""")]
    [InlineData("""{"type":"array","items":{"type":"string","pattern":"^[ab]{1,30}$"},"uniqueItems":true,"maxItems":3}""")]
    [InlineData("""{"type":"array","items":{"type":["string","integer"],"maxLength":2},"uniqueItems":true}""")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"string"}],"items":{"enum":["a","ab"]},"uniqueItems":true,"minItems":2}""")]
    [InlineData("""{"type":"array","items":{"type":"array","items":{"type":"string","pattern":"^[ab]+$"},"uniqueItems":true}}""")]
    [InlineData("""{"type":"array","items":{"type":"array","items":{"type":"string"}},"uniqueItems":true}""")]
    [InlineData("""{"type":"array","items":{"type":"array","items":{"type":"string","pattern":"^[ab]+$"}},"uniqueItems":true}""")]
    [InlineData("""{"type":"string","pattern":"^(?:\\S+\\s+){0,3}\\S+$"}""")]
    [InlineData("""{"type":"string","pattern":"^(?:\\S+\\s+){2,9}\\S+$","minLength":4,"maxLength":20}""")]
    [InlineData("""{"type":"string","pattern":"^(?:\\w+[ -]){0,2}\\w+$"}""")]
    [InlineData("""{"type":"string","pattern":"^[^<>a]+(é|[À-ß])?$"}""")]
    [InlineData("""{"type":"string","pattern":"^([0-9A-Fa-f]{2}-?){2,8}$"}""")]
    [InlineData("""{"type":"string","pattern":"^(ab|[a-z]{2,5}|[A-Z]).*[zZ ]$","minLength":5}""")]
    [InlineData("""{"type":"string","format":"hostname"}""")]
    [InlineData("""{"type":"string","format":"email","maxLength":40}""")]
    [InlineData("""{"type":"array","items":{"type":"string","format":"date-time"}}""")]
    [InlineData("""{"type":"object","patternProperties":{"ab|zz|0-":{"type":"integer"}},"additionalProperties":false}""")]
    [InlineData("""{"type":"object","properties":{"ab":{"type":"null"}},"patternProperties":{"^abc$":true,"z":{"type":"string"}}}""")]
    [InlineData("""{"type":"object","patternProperties":{"^(/[^/]+)+$":{"type":"integer"},"x":false},"additionalProperties":false}""")]
    [InlineData("""{"type":"number","minimum":-3.5,"maximum":1200}""")]
    [InlineData("""{"type":"integer","minimum":7,"exclusiveMaximum":65536}""")]
    [InlineData("""{"type":"array","items":{"type":"integer","minimum":-7,"exclusiveMaximum":6553}}""")]
    [InlineData("""{"type":"array","items":{"type":"number"}}""")]
    [InlineData("""{"type":"array","items":{"type":"integer","multipleOf":7}}""")]
    [InlineData("""{"type":"array","items":{"anyOf":[{"enum":[12,120,1.5,"12"]},{"type":"array","items":{"type":"integer"}}]}}""")]
    [InlineData("""{"type":"array","items":{"oneOf":[{"type":"integer","maximum":40},{"type":"number","minimum":30.5}]},"minItems":2}""")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"},"minProperties":2,"maxProperties":3}""")]
    [InlineData(
        """{"type":"object","patternProperties":{"^x-":{"type":"integer"},"^[a-c]+$":{"type":"string"}},"additionalProperties":false}""")]
    [InlineData("""{"type":"object","patternProperties":{"^.{1,20}$":{"type":"integer"}},"additionalProperties":false}""")]
    [InlineData("""{"type":"object","propertyNames":{"enum":["a","ab","zz"]},"additionalProperties":{"type":"null"}}""")]
    [InlineData("""{"type":"object","propertyNames":{"pattern":"^[a-z]{2,4}$"},"properties":{"ab":{"const":1}},"required":["ab"]}""")]
    [InlineData("""{"anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},{"properties":{"a":{"type":"string"},"b":true}}]}""")]
    [InlineData(
        """{"type":"object","properties":{"a":false,"ab":{"type":"integer"},"abc":{"type":"string"}},"additionalProperties":false}""")]
    [InlineData(
        """{"type":"object","properties":{"id":{"$ref":"#"},"name":{"type":"string"}},"required":["name","q"],"maxProperties":4}""")]
    [InlineData("""{"properties":{"id":true,"name":true},"unevaluatedProperties":{"type":"integer"},"type":"object"}""")]
    public void FillMask_AnySchema_AllowsExactlyTheTokensThatCanBeTaken(string schema) => Try(schema, GuideSettings.Default);

    [Theory]
    [InlineData("")]
    [InlineData(",\"required\":[\"n7_h\",\"n30_e\",\"other\"]")]
    [InlineData(",\"additionalProperties\":false,\"required\":[\"n45_t\"]")]
    [InlineData(",\"additionalProperties\":false,\"minProperties\":3")]
    public void FillMask_ManyNames_AllowsExactlyTheTokensThatCanBeTaken(string more)
    {
        var schema = $$"""{"type":"object","properties":{{{Many}}}{{more}}}""";
        Try(schema, GuideSettings.Default);
        Try(schema, GuideSettings.Default with { AnyOrder = true, FreeWhitespace = true });
    }

    [Theory]
    [InlineData("[a-z]+@[a-z]{2,5}\\.(com|org)")]
    [InlineData("(.{3,9}|\"[^\"]*\")")]
    public void FillMask_AnyPattern_AllowsExactlyTheTokensThatCanBeTaken(string pattern) =>
        Try(() => Guide.FromPattern(pattern, Vocabulary), 1);

    [Theory]
    [InlineData("""start: ("é" | "ab" | /[^a-z"]/)+ """)]
    [InlineData("""start: "a" /.*/ "ß" """)]
    [InlineData("""start: /[À-é]+/ /\S+/ ("," start)?""")]
    [InlineData("""start: (("name" | "zz") " " | /[a-z]+[0-9]{0,3}/ "-")+ """)]
    [InlineData("start: pair (\",\" pair)*\npair: /\"[^\"]*\"/ \":\" (/[0-9]+/ | \"{\" pair \"}\" | /(\\w+ ?){1,3}/)")]
    [InlineData("root ::= ([^ab] | \"ab\")* \"\\u3000\"")]
    public void FillMask_AnyGrammar_AllowsExactlyTheTokensThatCanBeTaken(string grammar)
    {
        for (var seed = 0; seed < 3; seed++)
            Try(() => Guide.FromGrammar(grammar, GrammarSyntax.Unspecified, GuideSettings.Default, Vocabulary), seed);
    }

    private static void Try(string schema, GuideSettings settings)
    {
        for (var seed = 0; seed < 3; seed++)
            Try(() => Guide.FromSchema(schema, settings, Vocabulary), seed);
    }

    /// <summary>Walks a random text; each mask is compared with what a matcher takes of another guide, which has made no mask.</summary>
    private static void Try(Func<Guide> compile, int seed)
    {
        var random = new Random(seed);
        var matcher = compile().Begin();
        var bare = compile().Begin();
        var mask = new uint[Vocabulary.Words];
        var text = "";
        for (var step = 0; step < 14; step++)
        {
            matcher.FillMask(mask);
            var mark = bare.Mark;
            var allowed = new List<int>();
            for (var token = 1; token < Vocabulary.Tokens.Count; token++)
            {
                var takes = bare.TryTake(token);
                bare.Return(mark);
                if (takes != (((mask[token >> 5] >> token) & 1) != 0))
                    Assert.Fail($"seed {seed}, behind {text}: '{Text(token)}' can {(takes ? "" : "not ")}be taken");
                if (takes)
                    allowed.Add(token);
            }

            Assert.Equal(matcher.MayEnd, (mask[0] & 1) != 0);
            if (allowed.Count == 0)
                return;

            // Half of the time a token that has structure in it, so that texts get somewhere.
            var structural = allowed.FindAll(token => Vocabulary.Tokens[token]!.AsSpan().IndexOfAny("\"{[:,"u8) >= 0);
            var from = structural.Count > 0 && random.Next(2) == 0 ? structural : allowed;
            var next = from[random.Next(from.Count)];
            Assert.True(matcher.TryTake(next) && bare.TryTake(next));
            text += Text(next);
        }
    }

    private static string Name(int number) => $"n{number}_{(char)('a' + (number % 26))}";

    private static string Text(int token) => Encoding.Latin1.GetString(Vocabulary.Tokens[token]!);

    /// <summary>Bytes, pieces of names with what may stand around them, runs longer than any slice, digits, and random text.</summary>
    private static List<byte[]?> Tokens()
    {
        var random = new Random(5);
        var texts = new HashSet<string>();
        foreach (var name in Names.Concat(Enumerable.Range(0, 12).Select(i => Name(5 * i))))
        {
            var written = name.Replace("\"", "\\\"");
            texts.UnionWith([written, written + "\"", written + "\":", "\"" + written, "{\"" + written + "\":"]);
            texts.UnionWith([",\"" + written[..1], written[1..] + "\":\""]);
        }

        foreach (var run in (string[])["a", "ab", " ", "-", "é", "0", "<", "x "])
        {
            foreach (var length in (int[])[2, 3, 5, 8, 13, 24, 25, 31])
                texts.UnionWith([Repeat(run, length), Repeat(run, length) + "\"", Repeat(run, length) + "\",\""]);
        }

        texts.UnionWith([" a b c d", "a b", " b c ", "a-b-c-d-e", "AB-0", "\u00a0a", "a\u3000b", "ä b", "É"]);
        texts.UnionWith(["\",\"\",\"", "\",\"a\"", "\",\"a\",\"a\"]", "\"],[\"a\"", "\"],[\"a\"]"]);
        for (var number = 0; number < 1000; number += number < 100 ? 1 : 7)
            texts.UnionWith([$"{number}", $"{number:D2}", $"{number:D3}"]);
        const string Letters = "abcdefgzABZ019 -_.:,<>{}[]\"\\/éß😀\u2028\n";
        while (texts.Count < 1100)
        {
            var text = new StringBuilder();
            for (var length = random.Next(1, 7); length > 0; length--)
            {
                var rune = Letters.EnumerateRunes().ElementAt(random.Next(Letters.EnumerateRunes().Count()));
                text.Append(rune);
            }

            texts.Add(text.ToString());
        }

        return
        [
            null, .. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }),
            .. texts.Where(text => text != "").Select(Encoding.UTF8.GetBytes), [0xC3, 0xA9, 0xF0], [0x9F, 0x98], [0x80, (byte)'"'],
            "\\u00"u8.ToArray(), "\\n\\n"u8.ToArray(), "\\\"a"u8.ToArray(),
        ];
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
}

using System.Text;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Tests.Guides;

public sealed class GuideSchemaTests
{
    [Theory]
    [InlineData("""{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"}},"required":["a"]}""",
        """{"a":""}|{"b":3,"a":"x"}|{"a":"\n\"ü","c":[1]}""",
            """{}|{"a":"x","b":3}|{"b":3.0,"a":""}|{"a":"","a":""}|{"a":"\u0041"}|{"a": ""}|{"c":1,"a":""}""")]
    [InlineData("""{"type":["integer","null"],"minimum":-3,"exclusiveMaximum":20}""", "null|-3|0|19|-0", "-4|20|1.0|1e1|01|+1")]
    [InlineData("""{"type":"number","minimum":0.5,"maximum":12.25}""", "0.5|0.50|12.25|3.0|5e-1|1.2e1",
        "0.49999|12.2500001|-1|1.3e1|4.9e-1|100")]
    [InlineData("""{"multipleOf":0.01}""", "0.07|12|-3.10|\"x\"", "0.001|1e2")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3,"pattern":"^[^a]"}""", "\"ba\"|\"😀é\\\\\"", "\"ab\"|\"b\"|\"bbbb\"")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"minimum":2}]}""", "1|2.5|\"x\"", "3|1.5|2.0")]
    [InlineData("""{"not":{"properties":{"a":{"type":"string"}},"required":["a"]}}""", """{}|{"a":1}|{"b":""}""",
        """{"a":""}|{"a":"","b":1}|3""")]
    [InlineData("""{"if":{"properties":{"k":{"const":1}},"required":["k"]},"then":{"required":["x"]},"else":{"maxProperties":1}}""",
        """{"k":1,"x":0}|{"k":2}|{}""", """{"k":1}|{"k":2,"x":0}""")]
    [InlineData(
        """{"type":"array","prefixItems":[{"type":"boolean"}],"items":{"enum":["a",{"b":1}]},"contains":{"const":"a"},"maxContains":1}""",
        """[true,"a"]|[false,{"b":1},"a"]""", """[]|[true]|["a"]|[true,"a","a"]|[true,{"b":2},"a"]""")]
    [InlineData("""{"type":"array","items":{"enum":[1,2,3]},"uniqueItems":true,"minItems":2}""", "[1,2]|[3,1,2]", "[1]|[1,1]|[1,2,3,1]")]
    [InlineData("""{"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":false,"minProperties":1}""",
        """{"x":1}|{"xy":2,"x":1}""",
        """{}|{"a":1}|{"x":""}""")]
    [InlineData("""{"propertyNames":{"enum":["a","b"]},"minProperties":2}""", """{"a":0,"b":0}|{"b":0,"a":0}""", """{"a":0}|{"c":0}""")]
    [InlineData("""{"dependentRequired":{"a":["b"]},"dependentSchemas":{"b":{"properties":{"a":{"const":1}}}}}""",
        """{"b":0}|{"a":1,"b":0}|{}""",
        """{"a":1}|{"a":2,"b":0}""")]
    [InlineData("""{"$ref":"#/$defs/t","$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"},"maxItems":1}}}""", "[]|[[[]]]",
        "[[],[]]|[1]")]
    [InlineData("""{"properties":{"a":true},"allOf":[{"properties":{"b":true}}],"unevaluatedProperties":false}""", """{"a":1,"b":2}|{}""",
        """{"c":1}|{"a":1,"b":2,"c":3}""")]
    [InlineData("""{"format":"date-time"}""", "\"2024-02-29T23:59:60Z\"|\"1998-12-31T15:59:60.123-08:00\"|\"2024-01-01t00:00:00.5+14:00\"",
        "\"2023-02-29T00:00:00Z\"|\"2024-01-01T12:00:60Z\"|\"2024-01-01\"|\"2024-01-01T24:00:00Z\"")]
    [InlineData("""{"format":"a-name-that-nobody-knows"}""", "\"anything\"", "\"")]
    [InlineData("""{"$schema":"http://json-schema.org/draft-04/schema#","minimum":3,"exclusiveMinimum":true}""", "4|3.1", "3|2")]
    public void Accepts_Texts_AsTheSchemaSays(string schema, string accepted, string refused)
    {
        var guide = ByteVocabulary.Guide(schema);
        Assert.All(accepted.Split('|'), text => Assert.True(ByteVocabulary.Accepts(guide, text), text));
        Assert.All(refused.Split('|'), text => Assert.False(ByteVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void Accepts_AnyOrderAndFreeWhitespace_WhereTheSettingsSaySo()
    {
        const string Schema = """{"properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}""";
        Assert.False(ByteVocabulary.Accepts(ByteVocabulary.Guide(Schema), """{"b":1,"a":2}"""));
        var anyOrder = ByteVocabulary.Guide(Schema, new GuideSettings { AnyOrder = true });
        Assert.True(ByteVocabulary.Accepts(anyOrder, """{"b":1,"a":2}"""));
        Assert.False(ByteVocabulary.Accepts(anyOrder, """{"b":1,"b":2}"""));
        var free = ByteVocabulary.Guide(Schema, new GuideSettings { FreeWhitespace = true });
        Assert.True(ByteVocabulary.Accepts(free, "{ \"a\" : 1,\n  \"b\": 2 }\n"));
    }

    [Theory]
    [InlineData("""{"pattern":"(a)\\1"}""", "back reference", "/pattern")]
    [InlineData("""{"pattern":"(?=a)b"}""", "look-around", "/pattern")]
    [InlineData("""{"$ref":"https://example.com/x"}""", "leads out of the schema", "/$ref")]
    [InlineData("""{"$ref":"#/nowhere"}""", "leads nowhere", "/$ref")]
    [InlineData("""{"allOf":[{"$ref":"#"}]}""", "leads back", "")]
    [InlineData("""{"type":"text"}""", "the type 'text'", "/type")]
    [InlineData("""{"minLength":-1}""", "must be an integer", "/minLength")]
    [InlineData("""{"format":"idn-hostname"}""", "idn-hostname is not supported", "/format")]
    [InlineData("""{"not":{"uniqueItems":true}}""", "uniqueItems is supported where it must hold", "")]
    [InlineData("""{"type":"string","enum":[1]}""", "no text meets the guide", "")]
    [InlineData("""{"type":"array","items":{"enum":[1,2]},"uniqueItems":true,"minItems":3}""", "no text meets the guide", "")]
    [InlineData("""{"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}}""", "no text meets the guide", "")]
    [InlineData("{", "no JSON", "")]
    public void FromSchema_WhatIsNotSupported_IsRefusedByNameAndPlace(string schema, string message, string place)
    {
        var exception = Assert.Throws<GuideException>(() => ByteVocabulary.Guide(schema));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(place, exception.Place);
    }

    [Fact]
    public void FromSchema_Bombs_AreRefused()
    {
        var alternatives = new StringBuilder("{\"anyOf\":[{\"required\":[\"x\"]}");
        for (var i = 0; i < 60_000; i++)
            alternatives.Append($",{{\"const\":{i}}}");
        string[] bombs =
        [
            alternatives.Append("]}").ToString(),
            $$"""{"enum":[{{string.Join(',', Enumerable.Range(0, 1_000_000))}}]}""",
            """{"pattern":"^(((((a{1,99}){1,99}){1,99}){1,99}){1,99})$"}""",
            """{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}""",
            new string('[', 1000) + new string(']', 1000),
        ];
        Assert.All(bombs, bomb => Assert.Throws<GuideException>(() => ByteVocabulary.Guide(bomb)));
    }

    [Fact]
    public void TryTake_ExponentialPattern_EndsInARefusalNotInMemory()
    {
        // Every text leads to a set of states of its own: 2 to the power of 40 of them.
        var guide = ByteVocabulary.Guide("""{"pattern":"^[ab]*a[ab]{40}c$"}""");
        var matcher = guide.Begin();
        Assert.True(matcher.TryTake('"' + 1));
        var bits = 1u;
        var exception = Assert.Throws<GuideException>(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                bits = (bits * 1_664_525) + 1_013_904_223;
                matcher.TryTake((bits >> 31 == 0 ? 'a' : 'b') + 1);
            }
        });
        Assert.Contains("too complex", exception.Message, StringComparison.Ordinal);
    }
}

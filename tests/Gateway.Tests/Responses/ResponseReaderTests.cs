using Parley.Gateway.Responses.Reading;
using Parley.Gateway.Responses.Templates;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Tests.Responses;

/// <summary>The reader against transformers 5.23's recorded answers, however the text is cut, and against hostile text.</summary>
public sealed class ResponseReaderTests
{
    [Fact]
    public void Read_TheWholeAnswer_IsTransformersMessageAndEvents() => CheckAll((text, _) => [text]);

    [Fact]
    public void Read_CharacterByCharacter_IsTheSame() => CheckAll((text, _) => text.Select(one => one.ToString()));

    [Fact]
    public void Read_CutAtRandom_IsTheSame() => CheckAll(Cuts.At, rounds: 3);

    [Fact]
    public void Parse_WhatTransformersRefuses_IsRefused()
    {
        foreach (var one in RecordedAnswers.Invalid)
        {
            var refused = Record.Exception(() => ResponseTemplate.Read(one["template"]));
            if (one["error"] is null)
                Assert.Null(refused);
            else
                Assert.True(refused is ResponseFormatException { Message.Length: > 10 }, $"{one["template"]!.ToJsonString()}: {refused}");
        }
    }

    [Theory]
    [InlineData("{'start_anchor':'a','fields':{'x':{'open_pattern':'(?>a)'}}}", "fields")]
    [InlineData("{'start_anchor':'a','fields':{'x':{'open_pattern':'a*+b'}}}", "possessive")]
    [InlineData("{'start_anchor':'a','fields':{'x':{'open_pattern':'(.)\\\\1'}}}", "back references")]
    [InlineData("{'start_anchor':'a','fields':{'x':{'open_pattern':'a(?=.*b)'}}}", "256")]
    [InlineData("{'start_anchor':'a','fields':{'x':{'open_pattern':'((a{1000}){1000}){1000}'}}}", "20000")]
    public void Parse_WhatCannotBeReadAsItComes_IsRefusedByName(string template, string named)
    {
        var refused = Assert.Throws<ResponseFormatException>(() => ResponseTemplate.Parse(template.Replace('\'', '"')));
        if (named != "fields")
            Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        Assert.Contains("field 'x': open_pattern", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(?:a|a)*b", "a", 60_000)]
    [InlineData("<[^>]*z>", "<", 60_000)]
    [InlineData("c[^z]*z", "cab", 60_000)]
    [InlineData("(?:.?){200}x", "y", 30_000)]
    public void Read_TextMadeForThePattern_CostsNoMoreThanItsLengthAllows(string pattern, string piece, int times)
    {
        var template = ResponseTemplate.Parse(
            """
            {"start_anchor": "@", "fields": {
              "x": {"open_pattern": "PATTERN", "close": "never"}, "y": {"open": "ab", "close": "a"}, "content": {}}}
            """.Replace("PATTERN", pattern, StringComparison.Ordinal));
        var reader = new ResponseReader(template, ToolSchemas.None);
        var events = new List<ResponseEvent>();
        for (var count = 0; count < times; count += 100)
            reader.Read(string.Concat(Enumerable.Repeat(piece, 100)), events);
        reader.Finish(events);
        // The budget of steps is linear in the text: whoever spends it reads on without looking for delimiters, and loses no text.
        var told = events.OfType<ResponseEvent.Chunk>().Sum(chunk => (long)chunk.Length);
        Assert.InRange(told, 1, (long)times * piece.Length);
        Assert.Equal(times * piece.Length, reader.Text.Length);
    }

    [Fact]
    public void Read_DelimitersThatMatchNothing_ComesToAnEnd()
    {
        var template = ResponseTemplate.Parse(
            """{"start_anchor": "@", "fields": {"x": {"open_pattern": "z*", "close_pattern": "q*"}, "content": {}}}""");
        var reader = new ResponseReader(template, ToolSchemas.None);
        var events = new List<ResponseEvent>();
        reader.Read("abcabc", events);
        reader.Finish(events);
        Assert.True(reader.IsExhausted);
        Assert.Equal("abcabc", string.Concat(events.OfType<ResponseEvent.Chunk>()
            .Select(chunk => reader.Text.Slice(chunk.At, chunk.Length).ToString())));
    }

    [Fact]
    public void Read_WhatCanBeNoDelimiter_IsToldAtOnce()
    {
        var reader = new ResponseReader(
            ResponseTemplate.Parse("""{"start_anchor": "@", "fields": {"t": {"open": "<think>", "close": "</think>"}, "content": {}}}"""),
            ToolSchemas.None);
        Assert.Equal("a <", Told(reader, "a <") + "<");
        Assert.Equal("<b", Told(reader, "b"));
        Assert.Equal("", Told(reader, "<think>"));
        Assert.Equal("t", reader.Current?.Name);
        Assert.Equal("x", Told(reader, "x</thi"));
        Assert.Equal("</thi!", Told(reader, "!"));
    }

    private static string Told(ResponseReader reader, string text)
    {
        var events = new List<ResponseEvent>();
        reader.Read(text, events);
        return string.Concat(events.OfType<ResponseEvent.Chunk>().Select(chunk => reader.Text.Slice(chunk.At, chunk.Length).ToString()));
    }

    private static void CheckAll(Func<string, Random, IEnumerable<string>> cut, int rounds = 1)
    {
        var random = new Random(17);
        var faults = new List<string>();
        var count = 0;
        foreach (var template in RecordedAnswers.Templates)
        {
            foreach (var answer in template["cases"]!.AsArray())
            {
                for (var round = 0; round < rounds; round++)
                {
                    count++;
                    var text = answer!["text"]!.GetValue<string>();
                    var (message, events) = RecordedAnswers.Read(template, answer, cut(text, random));
                    var isSame = RecordedAnswers.Text(message) == RecordedAnswers.Text(answer["message"])
                        && (message is null || RecordedAnswers.Text(events) == RecordedAnswers.Text(answer["events"]));
                    if (isSame)
                        continue;
                    faults.Add($"{template["name"]} {answer["prefix"]} {text}\n  expected {RecordedAnswers.Text(answer["message"])}\n"
                        + $"  {RecordedAnswers.Text(answer["events"])}\n  actual   {RecordedAnswers.Text(message)}\n"
                        + $"  {RecordedAnswers.Text(events)}");
                }
            }
        }

        Assert.Equal(880 * rounds, count);
        Assert.True(faults.Count == 0, $"{faults.Count} of {count} differ; the first:\n{string.Join("\n", faults.Take(4))}");
    }
}

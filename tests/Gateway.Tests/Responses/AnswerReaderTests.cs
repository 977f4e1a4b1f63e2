using System.Text.Json;

namespace Parley.Gateway.Tests.Responses;

/// <summary>What the server makes of answers: nothing is lost or taken back, and the cuts of the stream change nothing.</summary>
public sealed class AnswerReaderTests
{
    private const string Tool = """
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {
          "n": {"type": "integer"}, "s": {"type": "string"}, "o": {"type": "object"}}}}}
        """;

    [Theory]
    [InlineData("mistral-list", "[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}}]<|end|>", "content=|reasoning=|calls=now{}")]
    [InlineData("mistral-list", "[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}<|end|>",
        "content=[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}|reasoning=|calls=")]
    [InlineData("harmony", "<|channel|>commentary to=functions.now<|message|>{}<|end|><|end|>", "content=|reasoning=|calls=now{}")]
    public void Read_ASpecialTokenThatEndsTheAnswerInACall_IsNoPartOfIt(string format, string text, string expected)
    {
        const string Now = """{"type":"function","function":{"name":"now"}}""";
        var prompt = format == "harmony" ? "<|start|>assistant" : "[/INST]";
        Assert.Equal(expected, AnswerText.Read(format, prompt, [text], [Now], ["<|end|>"]).Written);
    }

    [Fact]
    public void Read_ContentThatOpensTwice_IsJoined()
    {
        var answer = AnswerText.Read(
            "hermes", "",
                ["A \n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>\n B <think>x</think> C \n<think> y </think>"], [Tool]);
        Assert.Equal("A\n B  C", answer.Content);
        Assert.Equal("x y", answer.Reasoning);
        Assert.Single(answer.Calls);
    }

    [Fact]
    public void Read_AContinuedMessage_KeepsTheSpaceThatItBeginsWith() => Assert.Equal(
        " world", AnswerText.Read("hermes", "<|im_start|>assistant\nHello", [" world", "<|im_end|>"]).Content);

    [Fact]
    public void Read_SpecialTokens_AreNotShown() => Assert.Equal(
        "abc", AnswerText.Read("hermes", "<|im_start|>assistant\n", ["a<|x|>b", "<|x|>", "c<|im_end|>"], null, ["<|x|>",
            "<|im_end|>"]).Content);

    [Fact]
    public void Read_Arguments_ComeWhileTheyAreWritten()
    {
        var text = "<tool_call>{\"name\": \"f\", \"arguments\": {\"s\": \"a long text that is told as it comes\", \"n\": 7}}</tool_call>";
        var answer = AnswerText.Read("hermes", "", text.Select(one => one.ToString()), [Tool]);
        Assert.True(answer.ArgumentPieces > 40);
        Assert.Equal("{\"s\": \"a long text that is told as it comes\", \"n\": 7}", answer.Calls[0].Arguments);
    }

    [Theory]
    [InlineData("{\"arguments\": {\"n\": \"1\"}, \"name\": \"f\"}", "{\"n\":1}")]
    [InlineData("{\"name\": \"f\", \"arguments\": \"{\\\"n\\\": 1}\"}", "{\"n\":1}")]
    [InlineData("{\"name\": \"g\", \"arguments\": {\"n\": \"1\"}}", "{\"n\":\"1\"}")]
    [InlineData("{\"name\": \"f\"}", "{}")]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"o\": {\"name\": \"x\", \"arguments\": {}}, \"n\": \"2.0\"}}",
        "{\"o\": {\"name\": \"x\", \"arguments\": {}}, \"n\": 2}")]
    public void Read_CallsInOtherShapes_HaveTheirArguments(string call, string expected)
    {
        var answer = AnswerText.Read("hermes", "", $"<tool_call>{call}</tool_call>".Select(one => one.ToString()), [Tool]);
        Assert.Equal(expected, Assert.Single(answer.Calls).Value.Arguments);
        Assert.Equal("", answer.Content);
    }

    [Theory]
    [InlineData("hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"o\": \"{\\\"a\\\": NaN}\"}}</tool_call>")]
    [InlineData("qwen-xml", "<tool_call><function=f><parameter=o>{\"a\": NaN}</parameter></function></tool_call>")]
    public void Read_AnArgumentThatJsonHasNoWordFor_IsContent(string format, string text)
    {
        var answer = AnswerText.Read(format, "", text.Select(one => one.ToString()), [Tool]);
        Assert.Equal((text, 0, 1), (answer.Content, answer.Calls.Count, answer.Dropped));
    }

    [Fact]
    public void Read_DeepArguments_AreTold()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 200)) + new string(']', 200);
        var text = $"<tool_call>{{\"arguments\": {{\"n\": {deep}}}, \"name\": \"f\"}}</tool_call>";
        Assert.Equal($"{{\"n\":{deep}}}", AnswerText.Read("hermes", "", [text], [Tool]).Calls[0].Arguments);
    }

    [Fact]
    public void Read_CallsForATemplateThatTakesShortIds_HaveSuch()
    {
        var calls = AnswerText.Read("mistral-args", "", ["[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]f[ARGS]{}</s>"], [Tool]).Calls;
        Assert.All(calls.Values, call => Assert.Matches("^[A-Za-z0-9]{9}$", call.Id));
        Assert.Equal(2, calls.Values.Select(call => call.Id).Distinct().Count());
    }

    [Fact]
    public void Read_TextOfEveryKind_LosesNothingAndIsTheSameHoweverCut()
    {
        string[] parts =
        [
            "<think>", "</think>", "<tool_call>", "</tool_call>", "{\"name\": \"f\", \"arguments\": {\"n\": \"3\"}}",
                "{\"name\": \"f\", ", "}}",
            "\n", " ", "Köln 🦙", "\"", "[TOOL_CALLS]", "[ARGS]", "<|im_end|>", "<function=f>", "<parameter=n>", "5", "</parameter>",
            "</function>", "<|channel|>", "analysis<|message|>", "<|tool_call>call:f{n:1}", "<tool_call|>", "[f(n=1)]", "NaN",
                "<|python_tag|>",
        ];
        var random = new Random(11);
        foreach (var format in Parley.Gateway.Responses.Formats.ResponseFormats.All)
        {
            for (var round = 0; round < 150; round++)
            {
                var text = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => parts[random.Next(parts.Length)]));
                var whole = AnswerText.Read(format, "", [text], [Tool]);
                Assert.Equal(whole.Written, AnswerText.Read(format, "", Cuts.At(text, random), [Tool]).Written);
                foreach (var (_, _, arguments) in whole.Calls.Values)
                    Assert.Equal(JsonValueKind.Object, JsonElement.Parse(arguments).ValueKind);
                Assert.Equal(whole.Calls.Count, whole.Calls.Values.Select(call => call.Id).Distinct().Count());
                Assert.InRange(AnswerText.Read(format, "", [text], [Tool], null, isSingle: true).Calls.Count, 0, 1);
            }
        }
    }
}

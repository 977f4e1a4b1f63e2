using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Formats;
using Parley.Gateway.Responses.Tags;

namespace Parley.Gateway.Tests.Responses;

/// <summary>Structural tags of answers: whatever they let a model write is read back as calls that meet their schemas.</summary>
public sealed class AnswerTagTests
{
    private const int Rounds = 150;

    private const string Weather =
        """
        {"type":"function","function":{"name":"get_weather","strict":true,"parameters":{"type":"object","properties":{
          "city":{"type":"string"},"kind":{"enum":["rain","sun","</x>"]},"days":{"type":"integer"},"heat":{"type":"number"},
          "exact":{"type":"boolean"},"near":{"type":["string","null"]},"code":{"type":"string","minLength":1,"maxLength":4},
          "units":{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":2},
          "place":{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"integer"}},"required":["x"],
            "additionalProperties":false}},
          "required":["city","days","code"],"additionalProperties":false}}}
        """;

    private const string Now = """{"type":"function","function":{"name":"now"}}""";

    private const string Later =
        """{"type":"function","function":{"name":"later","parameters":{"properties":{"in":{"type":"integer"},"why":{"type":"string"}}}}}""";

    private static readonly string[] Tools = [Weather, Now, Later];

    public static TheoryData<string> Formats => [.. ResponseFormats.All.Where(format => format.Calls is not null).Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Write_CallsThatMustCome_AreReadAsCallsThatMeetTheirSchemas(string name)
    {
        var format = Format(name);
        var functions = ToolFunction.Read(Tools);
        var seen = new HashSet<string>();
        for (var round = 0; round < Rounds; round++)
        {
            var single = round % 3 == 0;
            var tag = AnswerTag.Write(format, ReasoningPlace.Over, null, functions, mustCall: true, single);
            var text = TagWriter.Write(tag, new Random(round));
            var answer = Read(format, text, "");

            Assert.True(answer.Calls.Count > 0 && answer is { Content: "", Dropped: 0 }, $"{text}\n{answer.Written}");
            Assert.True(!single || answer.Calls.Count == 1, text);
            foreach (var (_, function, arguments) in answer.Calls.Values)
            {
                seen.Add(function);
                Assert.True(FaultOf(function, JsonNode.Parse(arguments)!.AsObject()) is null, $"{text}\n{answer.Written}");
            }
        }

        Assert.Equal(3, seen.Count);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Write_ACallBehindReasoning_IsReadAsBoth(string name)
    {
        var format = Format(name);
        if (format.Reasoning is not { } reasoning)
            return;
        var functions = ToolFunction.Read(Tools);
        for (var round = 0; round < Rounds; round++)
        {
            var isOpen = round % 2 == 0;
            var tag = AnswerTag.Write(
                format, isOpen ? ReasoningPlace.Open : ReasoningPlace.Ahead, null, functions, mustCall: true, single: true);
            var text = TagWriter.Write(tag, new Random(round));
            var answer = Read(format, text, isOpen ? reasoning.Open : "");

            Assert.True(answer is { Calls.Count: 1, Content: "", Dropped: 0 }, $"{text}\n{answer.Written}");
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Write_ContentOrCalls_IsReadAsOneOfThem(string name)
    {
        var format = Format(name);
        var functions = ToolFunction.Read(Tools);
        var content = TagNode.Schema(new JsonObject { ["type"] = "integer" });
        var (texts, calls) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var tag = AnswerTag.Write(
                format, ReasoningPlace.Over, content.DeepClone().AsObject(), functions, mustCall: false, single: false);
            var answer = Read(format, TagWriter.Write(tag, new Random(round)), "");
            if (answer.Calls.Count > 0)
                calls++;
            else
                Assert.True(int.TryParse(Visible(format, answer.Content), out _), answer.Written);
            texts += answer.Calls.Count == 0 ? 1 : 0;
        }

        Assert.True(texts > 20 && calls > 20);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Write_FreeTextWithStrictFunctions_HasNoCallThatDoesNotMeetItsSchema(string name)
    {
        var format = Format(name);
        var functions = ToolFunction.Read(Tools);
        var calls = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var tag = AnswerTag.Write(format, ReasoningPlace.Over, null, functions, mustCall: false, single: false);
            var text = TagWriter.Write(tag, new Random(round));
            var answer = Read(format, text, "");
            calls += answer.Calls.Count;
            Assert.All(answer.Calls.Values, call => Assert.True(
                FaultOf(call.Name, JsonNode.Parse(call.Arguments)!.AsObject()) is null, $"{text}\n{answer.Written}"));
        }

        Assert.True(calls > 20, $"{calls}");
    }

    [Theory]
    [InlineData("hermes", """{"type":"array"}""", ".function.parameters.type")]
    [InlineData("qwen-xml", """{"properties":{"a":{"type":"string","pattern":"^x"}}}""", ".function.parameters.properties.a")]
    [InlineData("qwen-xml", """{"properties":{"a":{"type":"string"}},"minProperties":1}""", ".function.parameters.minProperties")]
    [InlineData("qwen-xml", """{"properties":{"a":{"type":["boolean","integer"]}}}""", ".function.parameters.properties.a")]
    [InlineData("qwen-xml", """{"properties":{"a":{"enum":[1]}}}""", ".function.parameters.properties.a")]
    [InlineData("qwen-xml", """{"properties":{"a":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"integer"}}}""",
        ".function.parameters.properties.a")]
    [InlineData("qwen-xml", """{"properties":{},"required":["a"]}""", ".function.parameters.required")]
    [InlineData("glm", """{"properties":{"a<b":{"type":"integer"}}}""", ".function.parameters.properties.a<b")]
    [InlineData("glm", """{"properties":{"a":{"type":"array","items":{"$ref":"#/properties/a"}}}}""", ".function.parameters.properties.a")]
    [InlineData("lfm2", """{"properties":{"a b":{"type":"integer"}}}""", ".function.parameters.properties.a b")]
    [InlineData("gemma4", """{"properties":{"a":{}}}""", ".function.parameters.properties.a")]
    [InlineData("gemma4", """{"properties":{"a":{"type":"array","items":{"type":"string"},"uniqueItems":true}}}""",
        ".function.parameters.properties.a.uniqueItems")]
    [InlineData("gemma4", """{"properties":{"a":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"array","items":{"$ref":"#/$defs/n"}}}}""",
        ".items")]
    public void Write_WhatANotationCannotEnforce_IsRefusedWithItsPlace(string format, string parameters, string place)
    {
        var tool = $$$"""{"type":"function","function":{"name":"f","parameters":{{{parameters}}}}}""";
        var fault = Assert.Throws<TagException>(() => AnswerTag.Write(
            Format(format), ReasoningPlace.Over, null, ToolFunction.Read([Now, tool]), mustCall: true, single: false));
        Assert.Equal(1, fault.Tool);
        Assert.EndsWith(place, fault.Place, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_ANameThatCouldBeReadAsSomethingElse_IsRefused()
    {
        const string Tool = """{"type":"function","function":{"name":"f>\n"}}""";
        var fault = Assert.Throws<TagException>(() => AnswerTag.Write(
            Format("hermes"), ReasoningPlace.Over, null, ToolFunction.Read([Tool]), mustCall: true, single: false));
        Assert.Equal(".function.name", fault.Place);
        Assert.Throws<TagException>(() => ToolFunction.Read(["""{"function":{"name":"f","name":"g"}}"""]));
    }

    [Fact]
    public void Find_WhereThePromptStandsInItsReasoning_IsKnown()
    {
        const string Template = "<|im_start|> <think> <tool_call>";
        var format = Format("hermes");
        Assert.Equal(ReasoningPlace.Open, ReasoningStart.Find(format, "<|im_start|>assistant\n<think>\n", Template));
        Assert.Equal(ReasoningPlace.Over, ReasoningStart.Find(format, "<|im_start|>assistant\n<think>\n\n</think>\n\n", Template));
        Assert.Equal(ReasoningPlace.Ahead, ReasoningStart.Find(format, "</think><|im_start|>assistant\n", Template));
        Assert.Equal(ReasoningPlace.Over, ReasoningStart.Find(format, "<|im_start|>assistant\n", "<tool_call>"));
        Assert.Equal(ReasoningPlace.Over, ReasoningStart.Find(Format("llama3"), "x", "<think>"));
    }

    private static ResponseFormat Format(string name) => ResponseFormats.All.Single(format => format.Name == name);

    private static AnswerText Read(ResponseFormat format, string text, string opened) =>
        AnswerText.Read(format, Prompt(format) + opened, [text], Tools);

    private static string Prompt(ResponseFormat format) => format.Name switch
    {
        "deepseek-v3" or "deepseek-v3.1" => "<｜Assistant｜>",
        "command-r" or "command-r7b" => "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        "gemma4" => "<|turn>model\n",
        "glm" or "phi4" => "<|assistant|>",
        "granite" => "<|start_of_role|>assistant<|end_of_role|>",
        "hermes" or "qwen-xml" or "lfm2" => "<|im_start|>assistant\n",
        "kimi-k2" => "<|im_assistant|>assistant<|im_middle|>",
        "lfm3" => "<|header|>assistant<|header_end|>\n",
        "mistral-args" or "mistral-list" => "[/INST]",
        "seed-oss" => "<seed:bos>assistant\n",
        "functionary-v3.1" => "<|start_header_id|>assistant<|end_header_id|>\n\n",
        _ => ResponseFormatTests.Prompt(format),
    };

    /// <summary>Special tokens are not shown; here they are text.</summary>
    private static string Visible(ResponseFormat format, string content) =>
        format.Content is { } frame ? content.Replace(frame.Open, "", StringComparison.Ordinal) : content;

    private static string? FaultOf(string function, JsonObject arguments)
    {
        var tool = Tools.Select(tool => JsonNode.Parse(tool)!["function"]!).Single(one => (string?)one["name"] == function);
        return SchemaCheck.FaultOf(arguments, tool["parameters"] as JsonObject ?? new JsonObject { ["additionalProperties"] = false });
    }
}

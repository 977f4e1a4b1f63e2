using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Formats;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Responses;

/// <summary>Formats of ours: which chat template has which, answers as models write them, and calls written and read again.</summary>
public sealed class ResponseFormatTests
{
    private const string Weather =
        """
        {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
          "city": {"type": "string"}, "days": {"type": "integer"}, "units": {"type": "array"}, "exact": {"type": "boolean"}}}}}
        """;

    private const string Now =
        """{"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}""";

    private static readonly Dictionary<string, string?> FormatOfTemplate = new()
    {
        ["Bielik-11B-v3.0-Instruct"] = "hermes",
        ["ByteDance-Seed-OSS"] = "seed-oss",
        ["CohereForAI-c4ai-command-r-plus-tool_use"] = "command-r",
        ["CohereForAI-c4ai-command-r7b-12-2024-tool_use"] = "command-r7b",
        ["GLM-4.6"] = "glm",
        ["GLM-4.7-Flash"] = "glm",
        ["HuggingFaceTB-SmolLM3-3B"] = "think",
        ["Kimi-K2-Instruct"] = "kimi-k2",
        ["LFM2-8B-A1B"] = "lfm2",
        ["MiMo-VL"] = "hermes",
        ["Mistral-Small-3.2-24B-Instruct-2506"] = "mistral-args",
        ["NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use"] = "hermes",
        ["Qwen-QwQ-32B"] = "hermes",
        ["Qwen-Qwen2.5-7B-Instruct"] = "hermes",
        ["Qwen-Qwen3-0.6B"] = "hermes",
        ["Qwen3-Coder"] = "qwen-xml",
        ["Reka-Edge"] = "hermes",
        ["deepseek-ai-DeepSeek-R1-Distill-Llama-8B"] = "deepseek-v3",
        ["deepseek-ai-DeepSeek-V3.1"] = "deepseek-v3.1",
        ["google-gemma-4-31B-it"] = "gemma4",
        ["ibm-granite-granite-3.3-2B-Instruct"] = "granite",
        ["llama-cpp-deepseek-r1"] = "deepseek-v3",
        ["meta-llama-Llama-3.1-8B-Instruct"] = "llama3",
        ["meta-llama-Llama-3.2-3B-Instruct"] = "llama3",
        ["meetkai-functionary-medium-v3.1"] = "functionary-v3.1",
        ["mistralai-Mistral-Nemo-Instruct-2407"] = "mistral-list",
        ["moonshotai-Kimi-K2"] = "kimi-k2",
        ["plain-qwen2.5-instruct"] = "hermes",
        ["stepfun-ai-Step-3.5-Flash"] = "qwen-xml",
        ["unsloth-mistral-Devstral-Small-2507"] = "mistral-args",
        // Formats that are none of ours, and chats without tools or reasoning: nothing is read into their answers.
        ["fireworks-ai-llama-3-firefunction-v2"] = null,
        ["google-gemma-2-2b-it"] = null,
        ["microsoft-Phi-3.5-mini-instruct"] = null,
        ["plain-chatml"] = null,
        ["plain-llama-3-instruct"] = null,
        ["plain-zephyr"] = null,
        ["unsloth-Apriel-1.5"] = null,
    };

    [Fact]
    public void Find_TheTemplatesOfPublishedModels_HaveTheFormatThatTheyWrite()
    {
        var folder = Shared.Fixture("templates");
        var found = FormatOfTemplate.ToDictionary(
            one => one.Key, one => ResponseFormats.Find("", File.ReadAllText(Path.Combine(folder, one.Key + ".jinja")), out _)?.Name);
        Assert.Equal(FormatOfTemplate.OrderBy(one => one.Key), found.OrderBy(one => one.Key));
    }

    [Theory]
    [InlineData("{{'<|start|>assistant<|channel|>final<|message|>'}}", "harmony")]
    [InlineData("{{'<|tool|>' + message['tools'] + '<|/tool|>'}}", "phi4")]
    [InlineData("{{'<|header|>assistant<|header_end|>\\n<|tool_call_start|>'}}", "lfm3")]
    [InlineData("{{'<|start_header_id|>assistant<|end_header_id|>\\n\\n>>>all\\n' + content}}", "functionary-v3.2")]
    [InlineData("{{messages}}", null)]
    public void Find_AChatTemplate_HasTheFormatThatItWrites(string template, string? format) =>
        Assert.Equal(format, ResponseFormats.Find("", template, out _)?.Name);

    [Fact]
    public void Find_AModelsOwnTemplate_GoesBeforeOurs()
    {
        var own = ResponseFormats.Find("""{"start_anchor": "a", "fields": {"content": {}}}""", "<tool_call>", out var fault);
        Assert.Equal((ResponseFormat.OwnName, null), (own?.Name, fault));
        var refused = ResponseFormats.Find("""{"start_anchor": "a", "fields": {"content": {"colour": 1}}}""", "<tool_call>", out fault);
        Assert.Equal("hermes", refused?.Name);
        Assert.Contains("colour", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hermes", "<|im_start|>assistant\n",
        "<think>\nIt rains?\n</think>\n\nLet me see.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köl"
        + "n\"}}\n</tool_call><|im_end|>", "content=Let me see.|reasoning=It rains?|calls=get_weather{\"city\": \"Köln\"}")]
    [InlineData("hermes", "<|im_start|>assistant\n<think>\n", "It rains?\n</think>\n\nYes.<|im_end|>",
        "content=Yes.|reasoning=It rains?|calls=")]
    [InlineData("qwen-xml", "<|im_start|>assistant\n",
        "Now:\n<tool_call>\n<function=get_weather>\n<parameter=city>\nKöln\n</parameter>\n<parameter=days>\n3\n</parameter>\n</"
        + "function>\n</tool_call><|im_end|>", "content=Now:|reasoning=|calls=get_weather{\"city\": \"Köln\", \"days\": 3}")]
    [InlineData("llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Köln\", \"days\": \"3\"}}<|eot_id|>",
        "content=|reasoning=|calls=get_weather{\"city\": \"Köln\", \"days\": 3}")]
    [InlineData("llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|python_tag|>{\"type\": \"function\", \"name\": \"now\", \"parameters\": {}}<|eom_id|>", "content=|reasoning=|calls=now{}")]
    [InlineData("llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|python_tag|>brave_search.call(query=\"rain in Köln\")<|eom_id|>",
        "content=|reasoning=|calls=brave_search{\"query\":\"rain in Köln\"}")]
    [InlineData("llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|python_tag|>import math\nmath.pi<|eom_id|>",
        "content=|reasoning=|calls=code_interpreter{\"code\":\"import math\\nmath.pi\"}")]
    [InlineData("llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n", "{\"name\": \"Bob\"}<|eot_id|>",
        "content={\"name\": \"Bob\"}<|eot_id|>|reasoning=|calls=")]
    [InlineData("mistral-list", "[INST]x[/INST]",
        "[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}}, {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}]</s>",
        "content=|reasoning=|calls=now{};get_weather{\"city\": \"Köln\"}")]
    [InlineData("mistral-args", "[INST]x[/INST]",
        "[TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]get_weather[CALL_ID]abcdefghi[ARGS]{\"city\": \"Köln\"}</s>",
        "content=|reasoning=|calls=now{};get_weather{\"city\": \"Köln\"}")]
    [InlineData("deepseek-v3", "<｜User｜>x<｜Assistant｜>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Köln\"}\n```<｜tool▁call▁"
        + "end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>",
        "content=|reasoning=|calls=get_weather{\"city\": \"Köln\"};now{}")]
    [InlineData("deepseek-v3.1", "<｜User｜>x<｜Assistant｜><think>",
        "Hm.</think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Köln\"}<｜tool▁call▁end｜><｜tool▁c"
        + "alls▁end｜>", "content=|reasoning=Hm.|calls=get_weather{\"city\": \"Köln\"}")]
    [InlineData("granite", "<|start_of_role|>assistant<|end_of_role|>",
        "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}]<|end_of_text|>",
        "content=|reasoning=|calls=get_weather{\"city\": \"Köln\"}")]
    [InlineData("granite", "<|start_of_role|>assistant {\"thinking\": true}<|end_of_role|>",
        "<think>Hm.</think><response>Yes.</response><|end_of_text|>", "content=Yes.|reasoning=Hm.|calls=")]
    [InlineData("phi4", "<|user|>x<|end|><|assistant|>",
        "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}]<|/tool_call|><|end|>",
        "content=|reasoning=|calls=get_weather{\"city\": \"Köln\"}")]
    [InlineData("gemma4", "<|turn>model\n",
        "<|channel>thought\nHm.\n<channel|>Let me see.<|tool_call>call:get_weather{city:<|\"|>Köln, \"east\"<|\"|>,days:3,units"
        + ":[<|\"|>C<|\"|>]}<tool_call|><|tool_response>",
        "content=Let me see.|reasoning=Hm.|calls=get_weather{\"city\":\"Köln, \\\"east\\\"\",\"days\":3,\"units\":[\"C\"]}")]
    [InlineData("harmony", "<|start|>user<|message|>x<|end|><|start|>assistant",
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>"
        + "json<|message|>{\"city\": \"Köln\"}<|call|>", "content=|reasoning=Hm.|calls=get_weather{\"city\": \"Köln\"}")]
    [InlineData("harmony", "<|start|>assistant",
        "<|channel|>analysis<|message|>One.<|end|><|start|>assistant<|channel|>analysis<|message|>Two.<|end|><|start|>assistant"
        + "<|channel|>final<|message|>Yes.<|return|>", "content=Yes.|reasoning=One.\nTwo.|calls=")]
    [InlineData("harmony", "<|start|>assistant", " to=functions.now<|channel|>commentary json<|message|>{}<|call|>",
        "content=|reasoning=|calls=now{}")]
    [InlineData("lfm2", "<|im_start|>assistant\n",
        "<|tool_call_start|>[get_weather(city=\"Köln\", days=3, exact=True), now()]<|tool_call_end|>Checking.<|im_end|>",
        "content=Checking.|reasoning=|calls=get_weather{\"city\":\"Köln\",\"days\":3,\"exact\":true};now{}")]
    [InlineData("lfm3", "<|header|>assistant<|header_end|>\n",
        "<think>Hm.</think><|tool_call_start|>[now()]<|tool_call_end|><|turn_end|>", "content=|reasoning=Hm.|calls=now{}")]
    [InlineData("glm", "<|user|>x<|assistant|>",
        "<think>Hm.</think>\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Köln</arg_value>\n<arg_key>days</arg_k"
        + "ey>\n<arg_value>3</arg_value>\n</tool_call><|observation|>",
        "content=|reasoning=Hm.|calls=get_weather{\"city\": \"Köln\", \"days\": 3}")]
    [InlineData("kimi-k2", "<|im_assistant|>assistant<|im_middle|>",
        "I look.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{\"city\": \"Köln\"}"
        + "<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
        "content=I look.|reasoning=|calls=get_weather{\"city\": \"Köln\"};now{}")]
    [InlineData("kimi-k2", "<|im_assistant|>assistant<|im_middle|>", "<think>Hm.</think>Yes.<|im_end|>",
        "content=Yes.|reasoning=Hm.|calls=")]
    [InlineData("command-r7b", "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        "<|START_THINKING|>I will look.<|END_THINKING|><|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"get_weather\", "
        + "\"parameters\": {\"city\": \"Köln\"}},\n    {\"tool_call_id\": \"1\", \"tool_name\": \"now\", \"parameters\": {}}\n]"
        + "<|END_ACTION|><|END_OF_TURN_TOKEN|>",
        "content=|reasoning=I will look.|calls=get_weather{\"city\": \"Köln\"};now{}")]
    [InlineData("command-r", "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        "Action: ```json\n[\n    {\n        \"tool_name\": \"get_weather\",\n        \"parameters\": {\n            \"city\": \"Köln\"\n"
        + "        }\n    }\n]```<|END_OF_TURN_TOKEN|>",
        "content=|reasoning=|calls=get_weather{\n            \"city\": \"Köln\"\n        }")]
    [InlineData("seed-oss", "<seed:bos>assistant\n",
        "<seed:think>Hm.</seed:think>\nNow:\n<seed:tool_call>\n<function=get_weather>\n<parameter=city>Köln\nam Rhein</parameter>\n"
        + "<parameter=days>3</parameter>\n</function>\n</seed:tool_call><seed:eos>",
        "content=Now:|reasoning=Hm.|calls=get_weather{\"city\": \"Köln\\nam Rhein\", \"days\": 3}")]
    [InlineData("functionary-v3.1", "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "I look.\n<function=get_weather>{\"city\": \"Köln\"}</function><function=now>{}</function><|eom_id|>",
        "content=I look.|reasoning=|calls=get_weather{\"city\": \"Köln\"};now{}")]
    [InlineData("functionary-v3.2", "<|start_header_id|>assistant<|end_header_id|>\n\n>>>",
        "all\nI look.>>>get_weather\n{\"city\": \"Köln\"}>>>now\n{}<|eot_id|>",
        "content=I look.|reasoning=|calls=get_weather{\"city\": \"Köln\"};now{}")]
    [InlineData("functionary-v3.2", "<|start_header_id|>assistant<|end_header_id|>\n\n>>>",
        "get_weather\n{\"city\": \"Köln\"}<|eot_id|>", "content=|reasoning=|calls=get_weather{\"city\": \"Köln\"}")]
    [InlineData("think", "<｜Assistant｜><think>\n", "Hm.\n</think>\n\nYes.<｜end▁of▁sentence｜>", "content=Yes.|reasoning=Hm.|calls=")]
    public void Read_AnAnswerInAFormat_IsContentReasoningAndCalls(string format, string prompt, string text, string expected)
    {
        Assert.Equal(expected, AnswerText.Read(format, prompt, [text], [Weather, Now]).Written);
        Assert.Equal(expected, AnswerText.Read(format, prompt, text.Select(one => one.ToString()), [Weather, Now]).Written);
        var random = new Random(3);
        for (var round = 0; round < 10; round++)
            Assert.Equal(expected, AnswerText.Read(format, prompt, Cuts.At(text, random), [Weather, Now]).Written);
    }

    [Fact]
    public void Write_CallsOfEachFormat_AreReadAsTheyWere()
    {
        var arguments = (JsonObject)JsonNode.Parse("""{"city": "Köln \"east\"", "days": 3, "units": ["C", "F"], "exact": true}""")!;
        foreach (var format in ResponseFormats.All.Where(format => format.Calls is not null))
        {
            (string, JsonObject)[] calls = format.Calls!.Between is null
                ? [("get_weather", arguments)] : [("get_weather", arguments), ("now", [])];
            var text = format.Calls.Write(calls);
            var answer = AnswerText.Read(format, Prompt(format), [text], [Weather, Now]);
            Assert.True(answer.Calls.Count == calls.Length, $"{format.Name}: {text}\n{answer.Written}");
            foreach (var ((name, written), (_, read, json)) in calls.Zip(answer.Calls.Values))
            {
                Assert.Equal(name, read);
                Assert.True(JsonNode.DeepEquals(written, JsonNode.Parse(json)), $"{format.Name}: {json}");
            }

            Assert.Equal((format.Name, ""), (format.Name, answer.Content));
            Assert.All(format.Calls.Triggers, trigger => Assert.True(
                text.Contains(trigger, StringComparison.Ordinal) || format.Name == "llama3", $"{format.Name} is not begun by {trigger}"));
        }

        Assert.Equal(20, ResponseFormats.All.Count(format => format.Calls is not null));
    }

    internal static string Prompt(ResponseFormat format) => format.Name switch
    {
        "llama3" => "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "harmony" => "<|start|>assistant",
        "functionary-v3.2" => "<|start_header_id|>assistant<|end_header_id|>\n\n>>>",
        _ => "",
    };
}

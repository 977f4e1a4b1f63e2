using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.ServiceDefaults;

namespace Parley.EndToEnd.Tests;

/// <summary>
/// Calls that must come, through the three services, in every format: the demo model at a temperature at which its logits say little. Every
/// answer is one call or several whose arguments meet their schemas, however it came about.
/// </summary>
public sealed class ToolCallTests
{
    private const int AnswersOfAFormat = 5;
    private const int AnswersOfHermes = 50;

    private const string Weather =
        """
        {"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{
          "kind":{"enum":["rain","sun"]},"days":{"type":"integer","minimum":1,"maximum":9},"exact":{"type":"boolean"},
          "code":{"type":"string","minLength":1,"maxLength":4},
          "units":{"type":"array","items":{"type":"string","maxLength":3},"minItems":1,"maxItems":2}},
          "required":["kind","days","code"],"additionalProperties":false}}}
        """;

    private const string Now = """{"type":"function","function":{"name":"now"}}""";

    /// <summary>Marks by which the template is known, and what it ends with.</summary>
    public static TheoryData<string, string> Formats => new()
    {
        { "<|channel|> <|message|>", "<|start|>assistant" },
        { "<|tool_call>call:", "<|turn>model\n" },
        { "<|header|> <|tool_call_start|>", "<|header|>assistant<|header_end|>\n" },
        { "<|tool_call_start|>", "<|im_start|>assistant\n" },
        { "<seed:tool_call> <function=", "<seed:bos>assistant\n" },
        { "<tool_call> <arg_key> <arg_value>", "<|assistant|>" },
        { "<tool_call> <function= <parameter=", "<|im_start|>assistant\n" },
        { "<|tool_calls_section_begin|> <|tool_call_argument_begin|>", "<|im_assistant|>assistant<|im_middle|>" },
        { "<|START_ACTION|> <|CHATBOT_TOKEN|>", "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>" },
        { "<|CHATBOT_TOKEN|> Action: ```json tool_name", "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>" },
        { "<｜tool▁calls▁begin｜> ```json", "<｜Assistant｜>" },
        { "<｜tool▁calls▁begin｜>", "<｜Assistant｜>" },
        { ">>>all <|start_header_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n>>>" },
        { "<function= </function> <|start_header_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n" },
        { "<|start_header_id|> <|eot_id|> <|python_tag|>", "<|start_header_id|>assistant<|end_header_id|>\n\n" },
        { "[TOOL_CALLS] [ARGS]", "[/INST]" },
        { "[TOOL_CALLS]", "[/INST]" },
        { "<|start_of_role|> <|tool_call|>", "<|start_of_role|>assistant<|end_of_role|>" },
        { "<|tool|> <|/tool|>", "<|assistant|>" },
        { "<tool_call>", "<|im_start|>assistant\n" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task ChatCompletions_ACallThatMustCome_IsOneInEveryFormat(string marks, string opening)
    {
        await using var system = await ToolSystem.StartAsync(marks, opening);
        for (var seed = 0; seed < AnswersOfAFormat; seed++)
        {
            var choice = seed % 2 == 0 ? "\"required\"" : "{\"type\":\"function\",\"function\":{\"name\":\"get_weather\"}}";
            var (message, reason) = await PostAsync(
                system, $"\"tools\":[{Weather},{Now}],\"tool_choice\":{choice},\"parallel_tool_calls\":false,\"seed\":{seed}");

            var call = Assert.Single(Calls(message));
            Assert.Equal(seed % 2 == 0 ? "tool_calls" : "stop", reason);
            Assert.True(seed % 2 == 0 || call.Name == "get_weather");
            AssertMeets(call);
            Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);
        }

        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_HundredAnswersThatMustCall_AllDo()
    {
        await using var system = await ToolSystem.StartAsync("<tool_call>", "<|im_start|>assistant\n");
        using var channel = GrpcClientDefaults.CreateChannel(system.Grpc);
        var client = new ChatCompletion.ChatCompletionClient(channel);
        var calls = new List<(string Name, string Arguments)>();
        for (var seed = 0; seed < AnswersOfHermes; seed++)
        {
            // Several calls may have no end at such a temperature, and an answer that its limit has cut says so.
            var (message, reason) = await PostAsync(system, $"\"tools\":[{Weather},{Now}],\"tool_choice\":\"required\",\"seed\":{seed}");
            Assert.Contains(reason, (string[])["tool_calls", "length"]);
            if (reason == "tool_calls")
                calls.AddRange(Calls(message));
            calls.Add(await CallAsync(client, (ulong)seed));
        }

        Assert.True(calls.Count >= 2 * AnswersOfHermes - 5, $"{calls.Count}");
        Assert.All(calls, AssertMeets);
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task ChatCompletions_AFunctionAndAGuide_AnswersWithEither()
    {
        await using var system = await ToolSystem.StartAsync("<tool_call>", "<|im_start|>assistant\n");
        var (contents, calls) = (0, 0);
        for (var seed = 0; seed < 30; seed++)
        {
            var (message, _) = await PostAsync(
                system, $"\"tools\":[{Weather}],\"guided_regex\":\"x[0-9]{{2}}\",\"parallel_tool_calls\":false,\"seed\":{seed}");
            foreach (var call in Calls(message))
                AssertMeets(call);
            calls += Calls(message).Count;
            if (message.GetProperty("content").ValueKind != JsonValueKind.String)
                continue;
            contents++;
            Assert.Matches("^x[0-9]{2}$", message.GetProperty("content").GetString()!);
        }

        Assert.Equal(30, contents + calls);
        Assert.True(contents > 0 && calls > 0, $"{contents} and {calls}");
    }

    [Fact]
    public async Task ChatCompletions_ABudgetOfReasoning_ClosesItAndTheGuideFollows()
    {
        await using var system = await ToolSystem.StartAsync("<tool_call> <think>", "<|im_start|>assistant\n<think>\n");
        foreach (var budget in (int[])[0, 1, 12])
        {
            var (message, reason) = await PostAsync(system, $"\"thinking_budget\":{budget},\"guided_regex\":\"[a-c]{{3}}\",\"seed\":5");

            Assert.Equal("stop", reason);
            Assert.Matches("^[a-c]{3}$", message.GetProperty("content").GetString()!);
            if (budget != 1)
                Assert.Equal(budget > 1, message.TryGetProperty("reasoning_content", out _));
        }

        var (called, _) = await PostAsync(
            system, $"\"tools\":[{Weather}],\"tool_choice\":\"required\",\"parallel_tool_calls\":false,\"thinking_budget\":9,\"seed\":5");
        AssertMeets(Assert.Single(Calls(called)));
        Assert.NotEmpty(called.GetProperty("reasoning_content").GetString()!);
    }

    private static async Task<(string Name, string Arguments)> CallAsync(ChatCompletion.ChatCompletionClient client, ulong seed)
    {
        var sampling = new SamplingParameters { Temperature = 8, TopK = 0, TopP = 1, Seed = seed, MaxTokens = 400 };
        var request = Conversations.Ask("rain?", sampling);
        request.Chat.ToolsJson.AddRange([Weather, Now]);
        request.ToolChoice = new ToolChoice { Mode = ToolChoice.Types.Mode.Named, Name = "get_weather" };
        var events = await client.CollectAsync(request);
        events.Completed();
        var deltas = events.Where(one => one.Delta is not null).SelectMany(one => one.Delta.ToolCalls).ToArray();
        Assert.Equal(FinishReason.ToolCalls, events.Single(one => one.ChoiceFinished is not null).ChoiceFinished.Reason);
        return (Assert.Single(deltas, delta => delta.Id.Length > 0).Name, string.Concat(deltas.Select(delta => delta.Arguments)));
    }

    private static async Task<(JsonElement Message, string Reason)> PostAsync(ToolSystem system, string fields)
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var content = new StringContent(
            $$"""
            {"messages":[{"role":"user","content":"rain?"}],"temperature":8,"top_k":0,"top_p":1,"max_tokens":400,{{fields}}}
            """, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync("/v1/chat/completions", content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        var choice = JsonElement.Parse(text).GetProperty("choices")[0];
        return (choice.GetProperty("message"), choice.GetProperty("finish_reason").GetString()!);
    }

    private static List<(string Name, string Arguments)> Calls(JsonElement message) =>
        !message.TryGetProperty("tool_calls", out var calls) ? []
            : [.. calls.EnumerateArray().Select(call => call.GetProperty("function"))
                .Select(call => (call.GetProperty("name").GetString()!, call.GetProperty("arguments").GetString()!))];

    private static void AssertMeets((string Name, string Arguments) call)
    {
        using var document = JsonDocument.Parse(call.Arguments);
        var arguments = document.RootElement;
        if (call.Name == "now")
        {
            Assert.Equal(0, arguments.GetPropertyCount());
            return;
        }

        Assert.Equal("get_weather", call.Name);
        Assert.Contains(arguments.GetProperty("kind").GetString(), (string[])["rain", "sun"]);
        Assert.InRange(arguments.GetProperty("days").GetInt32(), 1, 9);
        Assert.InRange(arguments.GetProperty("code").GetString()!.EnumerateRunes().Count(), 1, 4);
        if (arguments.TryGetProperty("units", out var units))
            Assert.All(units.EnumerateArray(), unit => Assert.InRange(unit.GetString()!.EnumerateRunes().Count(), 0, 3));
        if (arguments.TryGetProperty("exact", out var exact))
            Assert.Contains(exact.ValueKind, (JsonValueKind[])[JsonValueKind.True, JsonValueKind.False]);
    }
}

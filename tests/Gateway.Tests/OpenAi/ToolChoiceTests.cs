using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Tests.Doubles;
using Parley.Generator.V1;
using Parley.ServiceDefaults;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>Choices of tools, strict functions, budgets of reasoning over HTTP: what the Generator is told, what is refused.</summary>
public sealed class ToolChoiceTests
{
    private const string Hermes = "<|im_start|>assistant <tool_call>";
    private const string Thinking = "<|im_start|>assistant <tool_call> <think>";
    private const string Opening = "<|im_start|>assistant\n";

    private const string Strict =
        """
        {"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"integer"}},
          "required":["a"],"additionalProperties":false}}}
        """;

    private const string Free = """{"type":"function","function":{"name":"g"}}""";

    private const string Both = $"\"tools\":[{Strict},{Free}]";

    private const string Call = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":1}}\n</tool_call>";

    [Theory]
    [InlineData(""" "tool_choice":"required" """, "tags_with_separator", "f,g")]
    [InlineData(""" "tool_choice":"any" """, "tags_with_separator", "f,g")]
    [InlineData(""" "tool_choice":"required","parallel_tool_calls":false """, "or", "f,g")]
    [InlineData(""" "tool_choice":{"type":"function","function":{"name":"f"}} """, "tag", "f")]
    [InlineData(""" "tool_choice":{"type":"tool","name":"g"} """, "tag", "g")]
    [InlineData(""" "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","name":"f"}]}} """,
        "tags_with_separator", "f")]
    [InlineData(""" "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]} """,
        "triggered_tags", "f")]
    [InlineData(""" "tool_choice":"auto" """, "triggered_tags", "f,g")]
    public async Task Post_AChoiceOrAStrictFunction_BindsTheAnswer(string choice, string element, string names)
    {
        await using var host = await StartAsync(Call);

        await PostAsync(host, $"{Both},{choice}");

        var format = TagOf(host);
        Assert.Equal(element, (string?)format["type"]);
        Assert.Equal(names, string.Join(",", new[] { "f", "g" }.Where(name =>
            format.ToJsonString().Contains($"name\\u0022: \\u0022{name}\\u0022", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData(""" "temperature":1 """)]
    [InlineData(""" "tool_choice":"none" """)]
    public async Task Post_NothingThatMustBeKept_HasNoGuide(string fields)
    {
        await using var host = await StartAsync("Hi.");
        await PostAsync(host, $"\"tools\":[{(fields.Contains("none", StringComparison.Ordinal) ? Strict : Free)}],{fields}");
        Assert.Null(Assert.Single(host.Generator.Requests).Sampling.Guide);
    }

    [Theory]
    [InlineData(""" "tool_choice":"required" """, "tool_calls")]
    [InlineData(""" "tool_choice":{"type":"function","function":{"name":"f"}} """, "stop")]
    public async Task Post_TheReasonOfAnAnswerThatCalls_IsOpenAis(string choice, string reason)
    {
        await using var host = await StartAsync(Call + "<|im_end|>");

        var answer = (await PostAsync(host, $"{Both},{choice}")).GetProperty("choices")[0];

        Assert.Equal(reason, answer.GetProperty("finish_reason").GetString());
        Assert.Single(answer.GetProperty("message").GetProperty("tool_calls").EnumerateArray());
    }

    [Theory]
    [InlineData(""" "tool_choice":"required" """, "tool_choice", "there are no tools", Hermes)]
    [InlineData($"{Both},\"tool_choice\":{{\"type\":\"function\",\"function\":{{\"name\":\"h\"}}}}", "tool_choice",
        "'h', which is not among", Hermes)]
    [InlineData($"{Both},\"tool_choice\":{{\"type\":\"function\"}}", "tool_choice.function.name", "is missing", Hermes)]
    [InlineData($"{Both},\"tool_choice\":5", "tool_choice", "must be a string or an object", Hermes)]
    [InlineData($"{Both},\"tool_choice\":\"required\"", "tool_choice", "not known how fake writes calls", "plain")]
    [InlineData($"{Both}", "tools", "not known how fake writes calls", "plain")]
    [InlineData(""" "tools":[{"type":"function","function":{"name":"a b"}}],"tool_choice":"required" """, "tools[0].function.name",
        "must consist of letters", Hermes)]
    [InlineData(""" "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"string"}}}],"tool_choice":"required" """,
        "tools[0].function.parameters.type", "must be 'object'", Hermes)]
    public async Task Post_WhatCannotBeEnforced_IsRefusedByItsField(string fields, string field, string words, string template)
    {
        await using var host = await StartAsync(Call, template);

        using var response = await SendAsync(host, fields);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");
        Assert.Equal(field, error.GetProperty("param").GetString());
        Assert.Contains(words, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(host.Generator.Requests);
    }

    [Theory]
    [InlineData(Hermes, "{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"(?=b)\"}}}", "tools[1].function.parameters",
        "/properties/a/pattern: no")]
    [InlineData("<tool_call><function=name><parameter=name>", "{\"type\":\"integer\",\"not\":{}}",
        "tools[1].function.parameters.properties.a", "/not: no")]
    [InlineData(Hermes, "{\"type\":\"integer\",\"not\":{\"minimum\":3}}", "response_format.json_schema.schema", "/not: no")]
    public async Task Post_ASchemaThatTheGeneratorRefuses_IsNamedWhereItStands(string template, string schema, string field, string message)
    {
        var arguments = field.EndsWith(".a", StringComparison.Ordinal)
            ? $"{{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{{\"a\":{schema}}}}}"
            : field.StartsWith("tools", StringComparison.Ordinal) ? schema : "{}";
        var content = field.StartsWith("tools", StringComparison.Ordinal) ? "{\"type\":\"null\"}" : schema;
        var fields = $"\"tools\":[{Free},{{\"type\":\"function\",\"function\":{{\"name\":\"f\",\"parameters\":{arguments}}}}}],"
            + $"\"response_format\":{{\"type\":\"json_schema\",\"json_schema\":{{\"name\":\"n\",\"schema\":{content}}}}}";
        await using var host = await StartAsync("null", template);
        await PostAsync(host, fields);
        var pointer = PointerTo(TagOf(host), JsonNode.Parse(schema)!, "/format");
        host.Generator.Refusal = RpcFaults.Create(
            Grpc.Core.StatusCode.InvalidArgument, null,
            [("sampling.guide.structural_tag", $"is refused at {pointer}{message}")]);

        using var response = await SendAsync(host, fields);

        var error = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");
        Assert.Equal(field, error.GetProperty("param").GetString());
        Assert.Equal($"{field} is refused at {message}.", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Post_AGuideForAModelThatThinks_BindsWhatComesBehindTheReasoning()
    {
        const string Format =
            """ "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"integer"}}} """;
        await using var host = await StartAsync("</think>\n\n5", Thinking, Opening + "<think>\n");

        await PostAsync(host, Format);
        var elements = TagOf(host)["elements"]!.AsArray();
        Assert.Equal(["tag", "regex", "json_schema"], elements.Select(element => (string?)element!["type"]));
        Assert.Equal(("", "</think>"), ((string?)elements[0]!["begin"], (string?)elements[0]!["end"]));

        // A prompt that has closed it, and a model that never thinks, leave the guide as it is.
        host.Generator.Requests.Clear();
        host.Tokenizer.Opening = Opening + "<think>\n\n</think>\n\n";
        await PostAsync(host, Format);
        Assert.Equal("{\"type\":\"integer\"}", Assert.Single(host.Generator.Requests).Sampling.Guide.JsonSchema);
    }

    [Fact]
    public async Task Post_AGuideAndTools_AllowContentOrCalls()
    {
        await using var host = await StartAsync(Call);
        await PostAsync(host, $"\"tools\":[{Free}],\"guided_regex\":\"[0-9]+\"");
        var ways = TagOf(host)["elements"]!.AsArray();
        Assert.Equal(["regex", "tags_with_separator"], ways.Select(way => (string?)way!["type"]));
    }

    [Theory]
    [InlineData(""" "thinking_budget":7 """)]
    [InlineData(""" "thinking_token_budget":7 """)]
    [InlineData(""" "thinking_budget_tokens":7,"reasoning_budget":7 """)]
    [InlineData(""" "reasoning":{"max_tokens":7} """)]
    [InlineData(""" "thinking":{"type":"enabled","budget_tokens":7} """)]
    public async Task Post_ABudgetOfReasoning_ReachesTheGeneratorAsIds(string fields)
    {
        await using var host = await StartAsync("so</think>Yes.", Thinking, Opening + "<think>\n");

        await PostAsync(host, fields);

        var budget = Assert.Single(host.Generator.Requests).Sampling.ReasoningBudget;
        Assert.Equal((true, 7u), (budget.IsOpen, budget.TokensMax));
        Assert.Equal(FakeTokenizer.Ids("\n</think>\n\n"), budget.ClosingIds);
        Assert.Equal(FakeTokenizer.Ids("</think>"), Assert.Single(budget.Closings).Ids);
        Assert.Contains("\"thinking_budget\":7", host.Tokenizer.Chats.Last().TemplateArgumentsJson, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_ABudgetWithNothingToBound_IsRefusedOrNothing()
    {
        await using var host = await StartAsync("Yes.", Thinking, Opening + "<think>\n\n</think>\n\n");
        await PostAsync(host, "\"thinking_budget\":7");
        Assert.Null(Assert.Single(host.Generator.Requests).Sampling.ReasoningBudget);

        host.Generator.Requests.Clear();
        host.Tokenizer.Opening = Opening;
        await PostAsync(host, "\"thinking_budget\":0");
        var budget = Assert.Single(host.Generator.Requests).Sampling.ReasoningBudget;
        Assert.Equal((false, 0u), (budget.IsOpen, budget.TokensMax));
        Assert.Equal(FakeTokenizer.Ids("<think>"), Assert.Single(budget.Openings).Ids);

        using var contradiction = await SendAsync(host, "\"thinking_budget\":7,\"reasoning\":{\"max_tokens\":8}");
        Assert.Contains("contradicts", await contradiction.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        host.Tokenizer.ChatTemplate = "plain";
        using var unknown = await SendAsync(host, "\"reasoning\":{\"max_tokens\":8}");
        var error = JsonElement.Parse(await unknown.Content.ReadAsStringAsync()).GetProperty("error");
        Assert.Equal("reasoning.max_tokens", error.GetProperty("param").GetString());
    }

    [Fact]
    public async Task Models_DefaultsWithProcessors_ListThem()
    {
        // Before the Gateway is there: a look of its own, as for its health, may be under way afterwards, and requests share it.
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.DefaultSampling = new SamplingParameters
        {
            Processors = new Processors { TopH = 0.5f, ExponentialDecayLengthPenalty = new ExponentialDecay { Start = 4, Factor = 2 } },
        });

        var models = JsonElement.Parse(await host.Http().GetStringAsync("/v1/models"));

        var sampling = models.GetProperty("data")[0].GetProperty("default_sampling");
        Assert.Equal(0.5, sampling.GetProperty("top_h").GetDouble());
        Assert.Equal("[4,2]", sampling.GetProperty("exponential_decay_length_penalty").GetRawText());
        Assert.False(sampling.TryGetProperty("mirostat", out _));
    }

    private static Task<GatewayHost> StartAsync(string answer, string template = Hermes, string opening = Opening) =>
        GatewayHost.StartAsync(arrange: host =>
        {
            host.Tokenizer.ChatTemplate = template;
            host.Tokenizer.Opening = opening;
            host.Generator.Script = _ => FakeGenerator.Letters(answer);
        });

    private static JsonObject TagOf(GatewayHost host)
    {
        var tag = JsonNode.Parse(Assert.Single(host.Generator.Requests).Sampling.Guide.StructuralTag)!;
        Assert.Equal("structural_tag", (string?)tag["type"]);
        return tag["format"]!.AsObject();
    }

    /// <summary>JSON pointer to the schema in a tag that equals another.</summary>
    private static string? PointerTo(JsonNode? node, JsonNode schema, string pointer) => node switch
    {
        JsonObject map when JsonNode.DeepEquals(map["json_schema"], schema) => pointer + "/json_schema",
        JsonObject map => map.Select(member => PointerTo(member.Value, schema, $"{pointer}/{member.Key}"))
            .FirstOrDefault(one => one is not null),
        JsonArray list => list.Select((item, index) => PointerTo(item, schema, $"{pointer}/{index}"))
            .FirstOrDefault(one => one is not null),
        _ => null,
    };

    private static async Task<HttpResponseMessage> SendAsync(GatewayHost host, string fields)
    {
        using var content = new StringContent(
            $$"""{"messages":[{"role":"user","content":"Hi"}],{{fields}}}""", Encoding.UTF8, "application/json");
        return await host.Http().PostAsync("/v1/chat/completions", content);
    }

    private static async Task<JsonElement> PostAsync(GatewayHost host, string fields)
    {
        using var response = await SendAsync(host, fields);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }
}

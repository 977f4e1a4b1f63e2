using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>Histories as other front ends keep them, tools as other clients write them, and text that is none.</summary>
public sealed class MessageFieldsTests
{
    private const string Tool =
        "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}";

    private static Task<HttpResponseMessage> PostAsync(GatewayHost host, string body) =>
        host.Http().PostAsync("/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"));

    private static string User(string more = "") => $"{{\"role\":\"user\",\"content\":\"Hi\"{more}}}";

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");

    [Theory]
    [InlineData("\"id\":\"m-1\"")]
    [InlineData("\"timestamp\":1760000000")]
    [InlineData("\"metadata\":{\"a\":1}")]
    [InlineData("\"thinking\":null")]
    [InlineData("\"thinking\":\"\"")]
    [InlineData("\"reasoning\":null")]
    [InlineData("\"reasoning_details\":[]")]
    [InlineData("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"x\"}]")]
    [InlineData("\"provider_specific_fields\":null")]
    [InlineData("\"provider_specific_fields\":{\"a\":1}")]
    [InlineData("\"cache_control\":{\"type\":\"ephemeral\"}")]
    [InlineData("\"refusal\":null")]
    [InlineData("\"refusal\":\"\"")]
    [InlineData("\"annotations\":[]")]
    [InlineData("\"annotations\":[{\"type\":\"url_citation\"}]")]
    [InlineData("\"audio\":null")]
    [InlineData("\"function_call\":null")]
    [InlineData("\"tool_calls\":null")]
    [InlineData("\"tool_calls\":[]")]
    [InlineData("\"tool_call_id\":null")]
    [InlineData("\"name\":null")]
    [InlineData("\"images\":[]")]
    [InlineData("\"prefix\":false")]
    [InlineData("\"parts\":[],\"status\":\"done\",\"createdAt\":\"2026-01-01\",\"parentId\":null")]
    public async Task Post_KeyOfAnotherFrontEnd_IsTheSameAsWithout(string key)
    {
        await using var host = await GatewayHost.StartAsync();

        using var with = await PostAsync(host, $"{{\"messages\":[{User("," + key)}]}}");
        using var without = await PostAsync(host, $"{{\"messages\":[{User()}]}}");

        Assert.True(with.IsSuccessStatusCode, await with.Content.ReadAsStringAsync());
        var chats = host.Tokenizer.Chats.ToList();
        Assert.Equal(chats[1], chats[0]);
    }

    [Theory]
    [InlineData("\"audio\":{\"id\":\"a\"}", "messages[0].audio")]
    [InlineData("\"images\":[\"aGk=\"]", "messages[0].images")]
    [InlineData("\"prefix\":true", "messages[0].prefix")]
    public async Task Post_KeyThatWouldChangeThePrompt_IsRefusedByName(string key, string param)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = await ErrorAsync(await PostAsync(host, $"{{\"messages\":[{User("," + key)}]}}"));

        Assert.Equal(("unsupported_value", param), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData("[{\"type\":\"input_text\",\"text\":\"Hi\"}]")]
    [InlineData("[{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[],\"logprobs\":[]}]")]
    [InlineData("[{\"type\":\"text\",\"text\":\"Hi\",\"cache_control\":{\"type\":\"ephemeral\"},\"id\":1}]")]
    [InlineData("[{\"text\":\"Hi\"}]")]
    [InlineData("[{\"type\":null,\"text\":\"Hi\"}]")]
    [InlineData("[{\"type\":\"refusal\",\"refusal\":\"Hi\"}]")]
    [InlineData("[\"Hi\"]")]
    public async Task Post_TextPartOfAnyDialect_IsItsText(string content)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, $"{{\"messages\":[{{\"role\":\"user\",\"content\":{content}}}]}}");

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal("Hi", string.Concat(Text(Assert.Single(host.Tokenizer.Chats).Messages[0])));
    }

    [Theory]
    [InlineData("{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}", "messages[0].content[0].type", "unsupported_value")]
    [InlineData("{\"type\":\"text\"}", "messages[0].content[0].text", "missing_required_parameter")]
    [InlineData("{\"type\":\"text\",\"text\":5}", "messages[0].content[0].text", "invalid_type")]
    [InlineData("5", "messages[0].content[0]", "invalid_type")]
    public async Task Post_PartThatIsNoText_IsRefusedByName(string part, string param, string code)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = await ErrorAsync(await PostAsync(host, $"{{\"messages\":[{{\"role\":\"user\",\"content\":[{part}]}}]}}"));

        Assert.Equal((code, param), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData(
        "\"content\":null,\"tool_calls\":[{\"type\":\"function\",\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]", "", 1)]
    [InlineData("\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\",\"x\":1},\"extra\":{}}]", "", 1)]
    [InlineData("\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}", "", 1)]
    [InlineData("\"content\":null,\"refusal\":\"I cannot.\"", "I cannot.", 0)]
    [InlineData("\"content\":\"Paris.\",\"refusal\":\"\",\"annotations\":[]", "Paris.", 0)]
    public async Task Post_AnswerSentBackAsItCame_IsRead(string fields, string content, int calls)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, $"{{\"messages\":[{User()},{{\"role\":\"assistant\",{fields}}},{User()}]}}");

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var message = Assert.Single(host.Tokenizer.Chats).Messages[1];
        Assert.Equal((true, content, calls), (message.HasContent, message.Content, message.ToolCalls.Count));
    }

    [Theory]
    [InlineData("{}", "tools[0]", "missing_required_parameter")]
    [InlineData("null", "tools[0]", "invalid_type")]
    [InlineData("\"f\"", "tools[0]", "invalid_type")]
    [InlineData("{\"type\":\"web_search\"}", "tools[0]", "unsupported_value")]
    [InlineData("{\"type\":\"function\"}", "tools[0]", "missing_required_parameter")]
    [InlineData("{\"type\":\"function\",\"name\":\"f\"}", "tools[0]", "missing_required_parameter")]
    [InlineData("{\"type\":\"function\",\"function\":{}}", "tools[0].function.name", "missing_required_parameter")]
    [InlineData("{\"type\":\"function\",\"function\":{\"name\":7}}", "tools[0].function.name", "invalid_type")]
    [InlineData("{\"function\":{\"name\":\"f\",\"parameters\":\"x\"}}", "tools[0].function.parameters", "invalid_type")]
    public async Task Post_ToolThatIsNoFunction_IsRefusedByName(string tool, string param, string code)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, $"{{\"messages\":[{User()}],\"tools\":[{tool}]}}");

        var error = await ErrorAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal((code, param), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task Post_ToolWithKeysThatNobodyKnows_ReachesTheTemplateWithoutThem()
    {
        await using var host = await GatewayHost.StartAsync();
        var noisy = Tool
            .Replace("{\"type\":\"function\",", "{\"cache_control\":{},\"type\":\"function\",\"id\":1,", StringComparison.Ordinal)
            .Replace("\"description\"", "\"x\":1,\"description\"", StringComparison.Ordinal);

        using var response = await PostAsync(host, $"{{\"messages\":[{User()}],\"tools\":[{Tool},{noisy}]}}");

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal([Tool, Tool], Assert.Single(host.Tokenizer.Chats).ToolsJson);
    }

    [Theory]
    [InlineData("", 400)]
    [InlineData(",\"tool_choice\":\"auto\"", 400)]
    [InlineData(",\"tool_choice\":\"none\"", 200)]
    public async Task Post_ToolsThatTheTemplateDoesNotRead_AreRefusedUnlessNotUsed(string choice, int status)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.ReadsTools = false);

        using var response = await PostAsync(host, $"{{\"messages\":[{User()}],\"tools\":[{Tool}]{choice}}}");

        Assert.Equal(status, (int)response.StatusCode);
        if (status == 200)
            return;
        var error = await ErrorAsync(response);
        Assert.Equal(("unsupported_value", "tools"), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
        Assert.Contains("does not read tools", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("{\"messages\":[USER],\"metadata\":{\"\\udc00\":\"v\"}}")]
    [InlineData("{\"messages\":[USER],\"metadata\":{\"a\":[{\"b\":\"\\ud800\"}]}}")]
    [InlineData("{\"messages\":[USER],\"\\ud800\":1}")]
    [InlineData("{\"messages\":[USER],\"\\ud800\\ud800\":1,\"\\ud800\\ud800\":1}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\\uD83Db\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\udc4d\\ud83d\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"\\ud800\",\"content\":\"x\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"\\udfff\":1}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\ud800\"}]}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"\\ud800\",\"text\":\"x\"}]}]}")]
    [InlineData("{\"messages\":[USER],\"stop\":[\"\\ud800\"]}")]
    [InlineData("{\"messages\":[USER],\"stop\":\"\\ud800\"}")]
    [InlineData("{\"messages\":[USER],\"logit_bias\":{\"\\ud800\":1}}")]
    [InlineData("{\"messages\":[USER],\"chat_template_kwargs\":{\"a\":{\"\\ud800\":1}}}")]
    [InlineData("{\"messages\":[USER],\"documents\":[{\"a\":\"\\ud800\"}]}")]
    [InlineData("{\"messages\":[USER],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"\\ud800\"}}]}")]
    [InlineData("{\"messages\":[USER],\"model\":\"\\ud800\"}")]
    [InlineData("{\"messages\":[USER],\"user\":\"\\ud800\"}")]
    [InlineData("{\"messages\":[USER],\"reasoning_effort\":\"\\ud800\"}")]
    public async Task Post_HalfASurrogatePairAnywhere_IsInvalidJson(string body)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, body.Replace("USER", User(), StringComparison.Ordinal));

        var error = await ErrorAsync(response);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_json"), (response.StatusCode, error.GetProperty("code").GetString()));
        Assert.Contains("not valid Unicode", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_HalfASurrogatePairInTheTextOfAnArgument_IsTheTokenizersToRead()
    {
        await using var host = await GatewayHost.StartAsync();
        const string Call = "{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\"\\\\ud800\\\"}\"}}";

        using var response = await PostAsync(host, $"{{\"messages\":[{User()},{{\"role\":\"assistant\",\"tool_calls\":[{Call}]}}]}}");

        // A model wrote it, and would write it again: it must not spoil every later turn. The Tokenizer reads it as no arguments.
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_BytesThatAreNoUtf8_IsInvalidJson()
    {
        await using var host = await GatewayHost.StartAsync();
        byte[] body = [.. "{\"messages\":[{\"role\":\"user\",\"content\":\"a"u8, 0xFF, .. "\"}]}"u8];
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/json");

        using var response = await host.Http().PostAsync("/v1/chat/completions", content);

        Assert.Equal("invalid_json", (await ErrorAsync(response)).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Post_WholePairsAndEscapes_AreText()
    {
        await using var host = await GatewayHost.StartAsync();

        const string Body =
            "{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud83d\\udc4d\\\\ud800 \\u00e9👍\"}],\"metadata\":{\"\\ud83d\\udc4d\":1}}";

        using var response = await PostAsync(host, Body);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal("👍\\ud800 é👍", Text(Assert.Single(host.Tokenizer.Chats).Messages[0]));
    }

    private static string Text(Tokenizer.V1.ChatMessage message) =>
        message.Content + string.Concat(message.Parts.Select(part => part.Text));
}

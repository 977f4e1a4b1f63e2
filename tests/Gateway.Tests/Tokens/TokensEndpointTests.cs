using System.Net;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.Tests.ResponsesApi;

namespace Parley.Gateway.Tests.Tokens;

public sealed class TokensEndpointTests
{
    private static IEnumerable<int> Ids(JsonElement answer) => answer.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32());

    [Theory]
    [InlineData("/tokenize")]
    [InlineData("/v1/tokenize")]
    public async Task Encode_APrompt_HasWhatTheTokenizerAdds(string path)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.Bos = FakeTokenizer.Eos);

        var answer = await host.PostAsync("""{"model":"fake","prompt":"Hi","return_token_strs":true}""", path: path);
        var plain = await host.PostAsync("""{"prompt":"Hi","add_special_tokens":false}""", path: path);

        Assert.Equal((3, 10_000), (answer.GetProperty("count").GetInt32(), answer.GetProperty("max_model_len").GetInt32()));
        Assert.Equal([256, 72, 105], Ids(answer));
        Assert.Equal(["<eos>", "<0x48>", "<0x69>"], answer.GetProperty("token_strs").EnumerateArray().Select(one => one.GetString()));
        Assert.Equal([72, 105], Ids(plain));
        Assert.False(plain.TryGetProperty("token_strs", out _));
    }

    [Fact]
    public async Task Encode_Content_IsAsLlamaCppHasIt()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.Bos = FakeTokenizer.Eos);

        var plain = await host.PostAsync("""{"content":"Hi","parse_special":true}""", path: "/tokenize");
        var pieces = await host.PostAsync("""{"content":"Hi","add_special":true,"with_pieces":true}""", path: "/tokenize");

        Assert.Equal([72, 105], Ids(plain));
        Assert.Equal([(256, "<eos>"), (72, "H"), (105, "i")], pieces.GetProperty("tokens").EnumerateArray()
            .Select(one => (one.GetProperty("id").GetInt32(), one.GetProperty("piece").GetString()!)));
    }

    [Fact]
    public async Task Encode_AChat_GoesThroughTheTemplate()
    {
        await using var host = await GatewayHost.StartAsync();

        var answer = await host.PostAsync(
            """{"messages":[{"role":"user","content":"Hi"}],"chat_template_kwargs":{"a":1},"add_special_tokens":false}""",
            path: "/tokenize");

        Assert.Equal("<user>Hi".Length, answer.GetProperty("count").GetInt32());
        Assert.Equal("""{"a":1}""", Assert.Single(host.Tokenizer.Chats).TemplateArgumentsJson);
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Decode_Ids_IsTheirText()
    {
        await using var host = await GatewayHost.StartAsync();

        var answer = await host.PostAsync("""{"tokens":[72,105]}""", path: "/detokenize");
        var empty = await host.PostAsync("""{"tokens":[]}""", path: "/detokenize");

        Assert.Equal(("Hi", "Hi", ""), (answer.GetProperty("prompt").GetString(), answer.GetProperty("content").GetString(),
            empty.GetProperty("prompt").GetString()));
    }

    [Theory]
    [InlineData("/tokenize", "{}", "prompt", 400)]
    [InlineData("/tokenize", """{"prompt":5}""", "prompt", 400)]
    [InlineData("/tokenize", """{"prompt":"a","parse_special":false}""", "parse_special", 400)]
    [InlineData("/tokenize", """{"messages":[]}""", "messages", 400)]
    [InlineData("/tokenize", """{"messages":[{"role":"user","content":"a"}],"add_special_tokens":true}""", "add_special_tokens", 400)]
    [InlineData("/tokenize", """{"prompt":"a","model":"other"}""", "model", 404)]
    [InlineData("/detokenize", "{}", "tokens", 400)]
    [InlineData("/detokenize", """{"tokens":["a"]}""", "tokens[0]", 400)]
    [InlineData("/detokenize", """{"tokens":[-1]}""", "tokens[0]", 400)]
    public async Task Post_WhatCannotBeDone_IsRefusedByName(string path, string body, string param, int status)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = (await host.PostAsync(body, (HttpStatusCode)status, path)).GetProperty("error");

        Assert.Equal(param, error.GetProperty("param").GetString());
    }

    [Fact]
    public async Task Routes_WithKeys_AreClosedAndHoldToTheModelsOfAKey()
    {
        await using var host = await GatewayHost.StartAsync(new()
        {
            ["ApiKey"] = "secret",
            ["ModelName"] = "fake,alias",
            ["Limits:default:Models"] = "alias",
        });
        var http = host.Http();
        foreach (var path in new[] { "/tokenize", "/detokenize", "/v1/completions", "/v1/responses", "/v1/embeddings" })
            await host.PostAsync("{}", HttpStatusCode.Unauthorized, path);
        http.DefaultRequestHeaders.Add("x-api-key", "secret");

        var models = JsonDocument.Parse(await http.GetStringAsync("/v1/models")).RootElement.GetProperty("data");
        using var own = await http.GetAsync("/v1/models/alias");
        using var others = await http.GetAsync("/v1/models/fake");
        using var denied = await http.PostAsync("/tokenize", new StringContent(
            """{"model":"fake","prompt":"a"}""", System.Text.Encoding.UTF8, "application/json"));

        Assert.Equal(["alias"], models.EnumerateArray().Select(one => one.GetProperty("id").GetString()));
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden],
            new[] { own, others, denied }.Select(response => response.StatusCode));
    }

    [Theory]
    [InlineData("/v1/models", 200)]
    [InlineData("/v1/models/fake", 200)]
    [InlineData("/v1/models/other", 404)]
    [InlineData("/health", 200)]
    public async Task Head_OfWhatIsRead_AnswersWithoutABody(string path, int status)
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true);
        using var http = new HttpClient { BaseAddress = host.Http1 };

        using var response = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));

        Assert.Equal((status, ""), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Embeddings_OfAnyModel_AreRefusedWithTheReason()
    {
        await using var host = await GatewayHost.StartAsync();

        var answer = await host.PostAsync("""{"input":"a","model":"fake"}""", HttpStatusCode.BadRequest, "/v1/embeddings");
        var error = answer.GetProperty("error");

        Assert.Equal("unsupported_endpoint", error.GetProperty("code").GetString());
        Assert.Contains("gives no embeddings", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}

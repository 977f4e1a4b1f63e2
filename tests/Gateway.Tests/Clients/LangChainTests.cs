using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>LangChain's ChatOpenAI for JavaScript against the Gateway.</summary>
public sealed class LangChainTests
{
    [Fact]
    [ClientTest("LangChain for JavaScript, chat",
        "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs")]
    public Task ChatOpenAi_ByChatCompletions_IsAsItExpects() => CheckAsync("chat", "13");

    [Fact]
    [ClientTest("LangChain for JavaScript, responses", "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage")]
    public Task ChatOpenAi_ByResponses_IsAsItExpects() => CheckAsync("responses", "null");

    private static async Task CheckAsync(string api, string logprobs)
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);
        await using var locked = await LockedGateway.StartAsync();

        var seen = await NodeClient.RunAsync("Gateway.Tests/Clients/langchain.mjs", host.Http1.Base(), locked.Http1.Base(), api);

        NodeClient.AssertSeen(seen,
            ("answer", "\"Hello, world!\""),
            ("usage", "13"),
            ("logprobs", logprobs),
            ("stream", "[\"Hello, world!\",13]"),
            ("tools", "[[\"get_weather\",{\"city\":\"Köln\"}],[\"get_weather\",{\"city\":\"Köln\"}]]"),
            ("answered", "\"Hello, world!\""),
            ("reasoning", "[\"Hm.\",\"Hm.\"]"),
            ("schema", "{\"city\":\"Köln\"}"),
            ("schemaByTool", "{\"city\":\"Köln\"}"),
            ("notFound", "[\"NotFoundError\",404,\"model_not_found\",\"MODEL_NOT_FOUND\"]"),
            ("badRequest", "[\"BadRequestError\",400,\"decimal_below_min_value\",null]"),
            ("noKey", "[\"AuthenticationError\",401,\"invalid_api_key\",\"MODEL_AUTHENTICATION\"]"),
            ("limited", "[\"RateLimitError\",429,\"rate_limit_exceeded\",\"MODEL_RATE_LIMIT\"]"),
            ("cancel", "[\"DOMException\",null,20,null]"));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }
}

using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>OpenAI's client for JavaScript against the Gateway.</summary>
public sealed class OpenAiNpmTests
{
    [Fact]
    [ClientTest("openai for JavaScript, chat", "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs")]
    public async Task ChatAndCompletions_Everything_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);
        await using var locked = await LockedGateway.StartAsync();

        var seen = await NodeClient.RunAsync("Gateway.Tests/Clients/openai.mjs", host.Http1.Base(), locked.Http1.Base());

        NodeClient.AssertSeen(seen,
            ("models", "[\"fake\"]"),
            ("model", "\"fake\""),
            ("answer", "[\"Hello, world!\",\"stop\"]"),
            ("usage", "21"),
            ("logprobs", "[13,2]"),
            ("stream", "[\"Hello, world!\",\"Hello, world!\",\"stop\",13]"),
            ("tools", "\"Hello, world!\""),
            ("toolsStreamed", "[\"Hello, world!\",[\"user\",\"assistant\",\"tool\",\"assistant\"],[\"Köln\",\"Köln\"]]"),
            ("schema", "{\"city\":\"Köln\"}"),
            ("reasoning", "[\"Hm.\",\"Hm.\"]"),
            ("completion", "[\"Hello?Hello, world!\",19,13]"),
            ("completionStreamed", "\"Hello, world!\""),
            ("notFound", "[\"NotFoundError\",404,\"model_not_found\",\"model\",true]"),
            ("badRequest", "[\"BadRequestError\",400,\"decimal_below_min_value\",\"temperature\",true]"),
            ("noKey", "[\"AuthenticationError\",401,\"invalid_api_key\",null,true]"),
            ("limited", "[\"RateLimitError\",429,\"rate_limit_exceeded\",null,true]"),
            ("broken", "[true,\"The model failed to answer; the server's log has the cause.\"]"),
            ("cancel", "[\"APIUserAbortError\",null,null,null,false]"));
        await host.AssertIdleAsync();
        Assert.Equal(2, host.Generator.Cancelled);
    }

    [Fact]
    [ClientTest("openai for JavaScript, responses",
        "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs")]
    public async Task Responses_Everything_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);

        var seen = await NodeClient.RunAsync("Gateway.Tests/Clients/openai-responses.mjs", host.Http1.Base());

        NodeClient.AssertSeen(seen,
            ("answer", "[\"Hello, world!\",\"completed\"]"),
            ("usage", "13"),
            ("logprobs", "13"),
            ("stream", "[\"Hello, world!\",\"Hello, world!\",\"completed\",13]"),
            ("reasoning", "\"Hm.\""),
            ("tools", "[[\"reasoning\",\"function_call\"],\"get_weather\",{\"city\":\"Köln\"}]"),
            ("answered", "\"Hello, world!\""),
            ("answeredWithoutStore", "\"Hello, world!\""),
            ("run", "[\"Hello, world!\",\"Hello, world!\"]"),
            ("ran", "[\"Köln\",\"Köln\"]"),
            ("schema", "{\"city\":\"Köln\"}"),
            ("compacted", "[\"response.compaction\",[\"message\",\"compaction\"]]"),
            ("onwards", "\"Hello, world!\""),
            ("kept", "\"Hello, world!\""),
            ("items", "[\"message\",\"reasoning\",\"function_call\",\"function_call_output\"]"),
            ("counted", "8"),
            ("deleted", "[\"NotFoundError\",404,\"response_not_found\",\"response_id\",true]"),
            ("notFound", "[\"NotFoundError\",404,\"model_not_found\",\"model\",true]"),
            ("badRequest", "[\"BadRequestError\",400,\"decimal_below_min_value\",\"temperature\",true]"),
            ("hosted", "[\"BadRequestError\",400,\"unsupported_value\",\"tools[0].type\",true]"),
            ("broken", "\"The model failed to answer; the server's log has the cause.\""),
            ("cancel", "[\"APIUserAbortError\",null,null,null,false]"),
            ("cancelledElsewhere", "\"cancelled\""));
        await host.AssertIdleAsync();
        Assert.Equal(2, host.Generator.Cancelled);
    }
}

using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>The AI SDK for JavaScript against the Gateway, by its provider for servers like OpenAI's and by that for OpenAI.</summary>
public sealed class AiSdkTests
{
    private const string Parts = "\"tool-input-start\",\"tool-input-delta\",\"tool-input-end\",\"tool-call\",\"tool-result\","
        + "\"finish-step\",\"start-step\",\"text-start\",\"text-delta\",\"text-end\",\"finish-step\",\"finish\"]";

    private const string Broken = "\"The model failed to answer; the server's log has the cause.\"";

    [Fact]
    [ClientTest("AI SDK, openai-compatible", "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage")]
    public async Task CompatibleProvider_Everything_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);
        await using var locked = await LockedGateway.StartAsync();

        var seen = await NodeClient.RunAsync("Gateway.Tests/Clients/ai-compatible.mjs", host.Http1.Base(), locked.Http1.Base());

        NodeClient.AssertSeen(seen,
            ("answer", "[\"Hello, world!\",\"stop\"]"),
            ("usage", "[25,13]"),
            ("stream", "[\"Hello, world!\",\"stop\",13]"),
            ("tools", "[\"Hello, world!\",[[\"12 °C in Köln\"],[]]]"),
            ("toolsStreamed", "[\"start\",\"start-step\",\"reasoning-start\",\"reasoning-delta\",\"reasoning-end\"," + Parts),
            ("schema", "{\"city\":\"Köln\"}"),
            ("object", "{\"city\":\"Köln\"}"),
            ("schemaStreamed", "{\"city\":\"Köln\"}"),
            ("reasoning", "[\"Hm.\",\"tool-calls\",14]"),
            ("completion", "\"Hello, world!\""),
            ("notFound", "[\"AI_APICallError\",true,404,\"model_not_found\",false]"),
            ("badRequest", "[\"AI_APICallError\",true,400,\"decimal_below_min_value\",false]"),
            ("noKey", "[\"AI_APICallError\",true,401,\"invalid_api_key\",false]"),
            ("limited", "[\"AI_APICallError\",true,429,\"rate_limit_exceeded\",true]"),
            ("broken", Broken),
            ("cancel", "\"abort\""));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }

    [Fact]
    [ClientTest("AI SDK, openai", "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs")]
    public async Task OpenAiProvider_Everything_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);
        await using var locked = await LockedGateway.StartAsync();

        var seen = await NodeClient.RunAsync("Gateway.Tests/Clients/ai-openai.mjs", host.Http1.Base(), locked.Http1.Base());

        NodeClient.AssertSeen(seen,
            ("answer", "[\"Hello, world!\",\"stop\"]"),
            ("usage", "[25,13]"),
            ("logprobs", "13"),
            ("stream", "[\"Hello, world!\",\"stop\",13]"),
            ("tools", "[[\"Hello, world!\",[[\"12 °C in Köln\"],[]]],[\"Hello, world!\",[[\"12 °C in Köln\"],[]]]]"),
            ("toolsStreamed", "[\"start\",\"start-step\",\"reasoning-start\",\"reasoning-end\"," + Parts),
            ("schema", "{\"city\":\"Köln\"}"),
            ("reasoning", "[\"Hm.\",14]"),
            ("reasoningStreamed", "\"Hm.\""),
            ("notFound", "[\"AI_APICallError\",true,404,\"model_not_found\",false]"),
            ("badRequest", "[\"AI_APICallError\",true,400,\"decimal_below_min_value\",false]"),
            ("noKey", "[\"AI_APICallError\",true,401,\"invalid_api_key\",false]"),
            ("limited", "[\"AI_APICallError\",true,429,\"rate_limit_exceeded\",true]"),
            ("broken", Broken),
            ("cancel", "\"abort\""));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }
}

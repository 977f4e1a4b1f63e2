using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Anthropic;

/// <summary>Anthropic's client for JavaScript against the Gateway.</summary>
public sealed class AnthropicNpmTests
{
    [Fact]
    [ClientTest("Anthropic for JavaScript", "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage")]
    public async Task Client_Everything_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);

        var seen = await NodeClient.RunAsync("Gateway.Tests/Anthropic/anthropic.mjs", host.Http1.Base());

        NodeClient.AssertSeen(seen,
            ("whole", "[\"Hello, world!\",\"end_turn\",13]"),
            ("stream", "[\"Hello, world!\",\"Hello, world!\",\"end_turn\",13]"),
            ("tools", "[[\"thinking\",\"tool_use\"],{\"city\":\"Köln\"},\"tool_use\"]"),
            ("answered", "\"Hello, world!\""),
            ("json", "{\"city\":\"Köln\"}"),
            ("tokens", "8"),
            ("models", "[\"fake\"]"),
            ("notFound", "[\"NotFoundError\",404,\"not_found_error\",true]"),
            ("bad", "[\"BadRequestError\",400,\"invalid_request_error\",true]"),
            ("broken", "[\"APIError\",null,\"api_error\",true]"),
            ("aborted", "[\"APIUserAbortError\",null,null,false]"));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }
}

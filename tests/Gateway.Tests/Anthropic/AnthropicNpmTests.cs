using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Anthropic;

/// <summary>Anthropic's client for JavaScript against the Gateway.</summary>
public sealed class AnthropicNpmTests
{
    [Fact]
    public async Task Client_Everything_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);

        var seen = await NodeClient.RunAsync("@anthropic-ai/sdk@1.10.0", "Anthropic/anthropic.mjs", host.Http1);

        var expected = new Dictionary<string, string>
        {
            ["whole"] = "[\"Hello, world!\",\"end_turn\",13]",
            ["stream"] = "[\"Hello, world!\",\"Hello, world!\",\"end_turn\",13]",
            ["tools"] = "[[\"thinking\",\"tool_use\"],{\"city\":\"Köln\"},\"tool_use\"]",
            ["answered"] = "\"Hello, world!\"",
            ["json"] = "{\"city\":\"Köln\"}",
            ["tokens"] = "8",
            ["models"] = "[\"fake\"]",
            ["notFound"] = "[\"NotFoundError\",404,\"not_found_error\",true]",
            ["bad"] = "[\"BadRequestError\",400,\"invalid_request_error\",true]",
            ["broken"] = "[\"APIError\",null,\"api_error\",true]",
            ["aborted"] = "[\"APIUserAbortError\",null,null,false]",
        };
        Assert.Equal(expected, seen.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetRawText()));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }
}

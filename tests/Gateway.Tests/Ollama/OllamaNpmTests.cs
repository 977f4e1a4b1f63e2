using Parley.Gateway.Ollama;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>Ollama's client for JavaScript against the Gateway.</summary>
public sealed class OllamaNpmTests
{
    [Fact]
    [ClientTest("Ollama for JavaScript", "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs")]
    public async Task Client_Everything_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);

        var seen = await NodeClient.RunAsync("Gateway.Tests/Ollama/ollama.mjs", host.Http1.Base());

        NodeClient.AssertSeen(seen,
            ("whole", "[\"Hello, world!\",\"stop\",13]"),
            ("logprobs", "[13,2]"),
            ("stream", "[\"Hello, world!\",true,\"stop\",13]"),
            ("tools", "[\"Hm.\",{\"index\":0,\"name\":\"get_weather\",\"arguments\":{\"city\":\"Köln\"}}]"),
            ("answered", "\"Hello, world!\""),
            ("json", "{\"city\":\"Köln\"}"),
            ("generated", "[\"Hello, world!\",true]"),
            ("next", "<system>Be brief.<user>Hi<assistant>Hello, world!<user>And?".Length.ToString(
                System.Globalization.CultureInfo.InvariantCulture)),
            ("models", "[\"fake\"]"),
            ("loaded", "[\"fake\"]"),
            ("shown", "[\"completion\",\"tools\",\"thinking\"]"),
            ("version", $"\"{ModelInfoEndpoint.ApiVersion}\""),
            ("notFound", "[\"ResponseError\",404,\"model not found: model 'other' is not served here; the model is 'fake'.\"]"),
            ("embed", "[\"ResponseError\",400,\"This server gives no embeddings: the model that it serves writes text.\"]"),
            ("broken", "\"The model failed to answer; the server's log has the cause.\""),
            ("aborted", "\"AbortError\""));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }
}

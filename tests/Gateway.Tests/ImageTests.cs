using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Tests;

/// <summary>An image in a chat is refused with the reason, which is the model's, at both edges.</summary>
public sealed class ImageTests
{
    private const string WithoutTower = "this model was imported without its vision tower";
    private const string TextAlone = "this model reads text alone";

    [Theory]
    [InlineData("image_url", true, WithoutTower)]
    [InlineData("input_image", true, WithoutTower)]
    [InlineData("image", false, TextAlone)]
    public async Task Post_Image_IsRefusedWithTheModelsReason(string type, bool withoutVision, string reason)
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.WithoutVision = withoutVision;
        using var http = host.Http();
        var body = $$$"""{"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"{{{type}}}"}]}]}""";

        using var response = await http.PostAsync(
            "/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"));

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("messages[0].content[1].type", error.GetProperty("param").GetString());
        Assert.Equal("unsupported_value", error.GetProperty("code").GetString());
        Assert.Contains(reason, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Post_ImageBesideAnotherFault_NamesBoth()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.WithoutVision = true;
        using var http = host.Http();
        using var ready = await http.GetAsync("/v1/models");

        using var response = await http.PostAsync("/v1/chat/completions", new StringContent(
            """{"messages":[{"role":"user","content":[{"type":"image_url"}]}],"temperature":"hot"}""", Encoding.UTF8, "application/json"));

        var message = await response.Content.ReadAsStringAsync();
        Assert.Contains(WithoutTower, message, StringComparison.Ordinal);
        Assert.Contains("temperature", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, WithoutTower)]
    [InlineData(false, TextAlone)]
    public async Task Complete_Image_IsRefusedWithTheModelsReason(bool withoutVision, string reason)
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.WithoutVision = withoutVision;
        var message = new ChatMessage
        {
            Role = "user",
            Parts = { new ContentPart { Text = "What is it?" }, new ContentPart { Image = new ImagePart { Url = "data:," } } },
        };

        using var call = host.Client().Complete(new CompleteRequest { Chat = new Parley.Tokenizer.V1.Chat { Messages = { message } } });
        var fault = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Contains($"chat.messages[0].parts[1].image is not supported: {reason}", fault.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(host.Generator.Requests);
    }
}

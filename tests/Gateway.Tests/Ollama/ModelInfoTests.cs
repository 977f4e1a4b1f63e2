using System.Net;
using System.Text.Json;
using Parley.Gateway.Ollama;
using Parley.Gateway.Tests.Doubles;
using static Parley.Gateway.Tests.Ollama.OllamaCalls;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>What Ollama's clients ask about the model and the server.</summary>
public sealed class ModelInfoTests
{
    private static async Task<JsonElement> GetAsync(GatewayHost host, string path) =>
        JsonDocument.Parse(await host.Http().GetStringAsync(path)).RootElement;

    [Fact]
    public async Task Tags_OneModel_IsListedUnderEachName()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Aliases = ["org/fake"]);

        var models = (await GetAsync(host, "/api/tags")).GetProperty("models").EnumerateArray().ToArray();

        Assert.Equal(["fake", "org/fake"], models.Select(model => model.GetProperty("name").GetString()));
        Assert.Equal(1_235_814_400L * 4, models[0].GetProperty("size").GetInt64());
        Assert.Equal(64, models[0].GetProperty("digest").GetString()!.Length);
        Assert.True(models[0].GetProperty("modified_at").TryGetDateTimeOffset(out _));
        var details = models[0].GetProperty("details");
        Assert.Equal(("onnx", "llama", "1.2B", "FP32"), (details.GetProperty("format").GetString(),
            details.GetProperty("family").GetString(), details.GetProperty("parameter_size").GetString(),
            details.GetProperty("quantization_level").GetString()));
    }

    [Theory]
    [InlineData("\"model\":\"fake\"")]
    [InlineData("\"name\":\"fake:latest\",\"verbose\":true")]
    public async Task Show_TheModel_TellsTemplateParametersAndCapabilities(string fields)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.ChatTemplate = "<|im_start|>assistant <think> <tool_call>";
            one.Generator.StopStrings = ["END"];
        });

        var (status, body, _) = await PostAsync(host, "/api/show", fields);

        Assert.Equal(200, status);
        Assert.Equal(["completion", "tools", "thinking"],
            body.GetProperty("capabilities").EnumerateArray().Select(one => one.GetString()));
        Assert.Equal(10_000, body.GetProperty("model_info").GetProperty("llama.context_length").GetInt32());
        var lines = body.GetProperty("parameters").GetString()!.Split('\n').Select(line => line.Split(' ', 2));
        Assert.Equal(["temperature 0.6", "top_k 50", "top_p 0.9", "stop \"END\""], lines.Select(line => $"{line[0]} {line[1].Trim()}"));
        Assert.Contains("<tool_call>", body.GetProperty("template").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_WhatIsReadOver_IsToldOrRefused()
    {
        await using var told = await GatewayHost.StartAsync();
        await using var strict = await GatewayHost.StartAsync(new() { ["UnknownFields"] = "Refuse" });

        var (silent, _, plain) = await PostAsync(told, "/api/show", "\"model\":\"fake\",\"verbose\":false");
        var (status, _, response) = await PostAsync(told, "/api/show", "\"model\":\"fake\",\"verbose\":true,\"system\":\"Be brief.\"");
        var (refused, body, _) = await PostAsync(strict, "/api/show", "\"model\":\"fake\",\"verbose\":true,\"frobnicate\":1");

        Assert.Equal((200, 200, 400), (silent, status, refused));
        Assert.False(plain.Headers.Contains("X-Parley-Ignored-Fields"));
        Assert.Equal("system, verbose", response.Headers.GetValues("X-Parley-Ignored-Fields").Single());
        Assert.Equal("frobnicate is unknown.", body.GetProperty("error").GetString());
    }

    [Fact]
    public async Task Show_AnotherModel_Is404()
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, _) = await PostAsync(host, "/api/show", "\"model\":\"other\"");

        Assert.Equal(404, status);
        Assert.Contains("not found", body.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ps_TheModel_IsLoadedForLong()
    {
        await using var host = await GatewayHost.StartAsync();

        var model = Assert.Single((await GetAsync(host, "/api/ps")).GetProperty("models").EnumerateArray());

        Assert.True(model.GetProperty("expires_at").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddYears(50));
        Assert.Equal((0, 10_000), (model.GetProperty("size_vram").GetInt64(), model.GetProperty("context_length").GetInt32()));
    }

    [Fact]
    public async Task Version_IsThatOfTheApi()
    {
        await using var host = await GatewayHost.StartAsync();

        Assert.Equal(ModelInfoEndpoint.ApiVersion, (await GetAsync(host, "/api/version")).GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("HEAD", "/", 200, null)]
    [InlineData("GET", "/", 200, "Parley is running")]
    [InlineData("HEAD", "/api/tags", 200, null)]
    [InlineData("HEAD", "/api/version", 200, null)]
    [InlineData("GET", "/api/chat", 405, "/api/chat takes POST, not GET.")]
    [InlineData("POST", "/api/tags", 405, "/api/tags takes GET, HEAD, not POST.")]
    [InlineData("POST", "/api/me", 404, "There is no POST /api/me here.")]
    [InlineData("POST", "/api/embed", 400, "This server gives no embeddings")]
    [InlineData("POST", "/api/embeddings", 400, "This server gives no embeddings")]
    [InlineData("POST", "/api/create", 400, "none can be created")]
    [InlineData("POST", "/api/copy", 400, "Gateway:ModelName")]
    [InlineData("DELETE", "/api/delete", 400, "it cannot be deleted")]
    [InlineData("POST", "/api/push", 400, "none is published")]
    [InlineData("POST", "/api/blobs/sha256:00", 400, "files of others are not taken")]
    public async Task Request_OfEveryRoute_IsAnsweredOrRefusedWithTheReason(string method, string path, int status, string? said)
    {
        await using var host = await GatewayHost.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("Accept", "application/json");

        using var response = await host.Http().SendAsync(request);

        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal(status, (int)response.StatusCode);
        if (status >= 400)
            text = JsonDocument.Parse(text).RootElement.GetProperty("error").GetString()!;
        Assert.Contains(said ?? "", text, StringComparison.Ordinal);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Get_RootForABrowser_IsThePage()
    {
        await using var host = await GatewayHost.StartAsync();
        var http = host.Http();
        http.DefaultRequestHeaders.Add("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

        using var response = await http.GetAsync("/");

        Assert.Equal((HttpStatusCode.OK, "text/html"), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
    }
}

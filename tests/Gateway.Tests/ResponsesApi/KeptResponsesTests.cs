using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Parley.Gateway.Tests.Doubles;
using static Parley.Gateway.Tests.ResponsesApi.ResponsesHost;

namespace Parley.Gateway.Tests.ResponsesApi;

/// <summary>Responses that are kept: for requests that go on, for those that read them, and for nobody else.</summary>
public sealed class KeptResponsesTests
{
    [Fact]
    public async Task Post_PreviousResponse_GoesOnItsConversation()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.ChatTemplate = Hermes;
            one.Generator.Script = _ => FakeGenerator.Letters(one.Generator.Requests.Count switch
            {
                1 => $"<think>\nRain?\n</think>\n\n{Call}<|im_end|>",
                _ => "It rains.<|im_end|>",
            });
        });
        var first = await host.PostAsync($$"""{"input":"Rain?","instructions":"Be brief.","tools":[{{Weather}}]}""");
        var callId = first.GetProperty("output")[1].GetProperty("call_id").GetString();

        var second = await host.PostAsync($$"""
            {"previous_response_id":"{{first.Id()}}","input":[{"type":"function_call_output","call_id":"{{callId}}","output":"wet"}],
             "tools":[{{Weather}}]}
            """);
        var third = await host.PostAsync($$"""{"previous_response_id":"{{second.Id()}}","input":"Sure?"}""");

        Assert.Equal(("It rains.", first.Id()), (second.Text(), second.GetProperty("previous_response_id").GetString()));
        var sent = host.Tokenizer.Chats.Last().Messages;
        // Instructions are of one request only.
        Assert.Equal([("user", "Rain?"), ("assistant", ""), ("tool", "wet"), ("assistant", "It rains."), ("user", "Sure?")],
            sent.Select(message => (message.Role, message.Content)));
        Assert.Equal(("Rain?", callId), (sent[1].ReasoningContent, sent[1].ToolCalls.Single().Id));
        Assert.Equal("completed", third.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Get_AKeptResponse_IsTheSameObject()
    {
        await using var host = await GatewayHost.StartAsync();
        var whole = await host.PostAsync("""{"input":"Hi","metadata":{"a":"b"}}""");
        var streamed = (await host.StreamAsync("""{"input":"Hi","stream":true}"""))[^1].GetProperty("response");

        Assert.Equal(whole.GetRawText(), (await host.GetAsync($"/v1/responses/{whole.Id()}")).GetRawText());
        Assert.Equal(streamed.GetRawText(), (await host.GetAsync($"/v1/responses/{streamed.Id()}")).GetRawText());
        var refused = await host.GetAsync($"/v1/responses/{whole.Id()}?stream=true", HttpStatusCode.BadRequest);
        Assert.Equal("stream", refused.GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task Delete_AKeptResponse_ForgetsIt()
    {
        await using var host = await GatewayHost.StartAsync();
        var path = $"/v1/responses/{(await host.PostAsync("""{"input":"Hi"}""")).Id()}";

        using var deleted = await host.Http().DeleteAsync(path);

        Assert.True((await ReadAsync(deleted, HttpStatusCode.OK)).GetProperty("deleted").GetBoolean());
        var error = (await host.GetAsync(path, HttpStatusCode.NotFound)).GetProperty("error");
        Assert.Equal("response_not_found", error.GetProperty("code").GetString());
        using var again = await host.Http().DeleteAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
    }

    [Fact]
    public async Task ListItems_InPages_TellsAllOnce()
    {
        await using var host = await GatewayHost.StartAsync();
        var input = string.Join(',', Enumerable.Range(0, 5).Select(number => $$"""{"role":"user","content":"m{{number}}"}"""));
        var path = $"/v1/responses/{(await host.PostAsync($$"""{"input":[{{input}}]}""")).Id()}/input_items";

        var newest = await host.GetAsync(path);
        var first = await host.GetAsync($"{path}?order=asc&limit=2");
        var second = await host.GetAsync($"{path}?order=asc&limit=3&after={first.GetProperty("last_id").GetString()}");
        var before = await host.GetAsync($"{path}?order=asc&limit=1&before={second.GetProperty("first_id").GetString()}");

        static IEnumerable<string?> Texts(JsonElement page) => page.GetProperty("data").EnumerateArray()
            .Select(item => item.GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal(["m4", "m3", "m2", "m1", "m0"], Texts(newest));
        Assert.Equal(["m0", "m1"], Texts(first));
        Assert.Equal(["m2", "m3", "m4"], Texts(second));
        Assert.Equal(["m1"], Texts(before));
        Assert.Equal((true, false), (first.GetProperty("has_more").GetBoolean(), second.GetProperty("has_more").GetBoolean()));
        foreach (var wrong in new[] { "limit=0", "limit=x", "order=up", "after=nothing" })
            await host.GetAsync($"{path}?{wrong}", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Post_ItemReference_IsTheItem()
    {
        await using var host = await GatewayHost.StartAsync();
        var first = await host.PostAsync("""{"input":"Hi"}""");

        await host.PostAsync($$"""
            {"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"{{first.GetProperty("output")[0].Id()}}"},
             {"role":"user","content":"b"}]}
            """);

        Assert.Equal(["a", "Hello, world!", "b"], host.Tokenizer.Chats.Last().Messages.Select(message => message.Content));
    }

    [Fact]
    public async Task Post_NotStored_IsKeptNowhere()
    {
        await using var host = await GatewayHost.StartAsync();
        var response = await host.PostAsync("""{"input":"Hi","store":false}""");

        Assert.False(response.GetProperty("store").GetBoolean());
        await host.GetAsync($"/v1/responses/{response.Id()}", HttpStatusCode.NotFound);
        var error = (await host.PostAsync(
            $$"""{"input":"Hi","previous_response_id":"{{response.Id()}}"}""", HttpStatusCode.NotFound)).GetProperty("error");
        Assert.Equal(("previous_response_not_found", "previous_response_id"),
            (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
        Assert.Contains("until that one restarts", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("BytesMax", "0")]
    [InlineData("EntryBytesMax", "1024")]
    public async Task Post_WhatCannotBeKept_SaysSo(string setting, string value)
    {
        await using var host = await GatewayHost.StartAsync(new() { [$"ResponseStore:{setting}"] = value });

        var response = await host.PostAsync($$"""{"input":"{{new string('x', 2000)}}"}""");

        Assert.Equal(("completed", false), (response.GetProperty("status").GetString(), response.GetProperty("store").GetBoolean()));
    }

    [Fact]
    public async Task Get_WithAnotherKey_IsNotFound()
    {
        await using var host = await GatewayHost.StartAsync(new()
        {
            ["Keys:alice:Hash"] = Access("key-a"),
            ["Keys:bob:Hash"] = Access("key-b"),
        });
        var alice = host.Http();
        alice.DefaultRequestHeaders.Add("x-api-key", "key-a");
        var bob = host.Http();
        bob.DefaultRequestHeaders.Add("x-api-key", "key-b");
        using var posted = await alice.PostAsync("/v1/responses",
            new StringContent("""{"input":"Hi"}""", Encoding.UTF8, "application/json"));
        var id = (await ReadAsync(posted, HttpStatusCode.OK)).Id();

        using var own = await alice.GetAsync($"/v1/responses/{id}");
        using var others = await bob.GetAsync($"/v1/responses/{id}");
        using var continued = await bob.PostAsync("/v1/responses", new StringContent(
            $$"""{"input":"Hi","previous_response_id":"{{id}}"}""", Encoding.UTF8, "application/json"));
        using var nobody = await host.Http().GetAsync($"/v1/responses/{id}");

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.Unauthorized],
            new[] { own, others, continued, nobody }.Select(response => response.StatusCode));
    }

    [Fact]
    public async Task Cancel_WhileItIsWritten_EndsBothInTheSameResponse()
    {
        var told = new TaskCompletionSource();
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.BeforeBatch = (batch, token) =>
        {
            if (batch == 3)
                told.TrySetResult();
            return batch == 3 ? Task.Delay(Timeout.Infinite, token) : Task.CompletedTask;
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/responses")
        {
            Content = new StringContent("""{"input":"Hi","stream":true}""", Encoding.UTF8, "application/json"),
        };
        using var response = await host.Http().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await reader.ReadLineAsync();
        using var created = JsonDocument.Parse((await reader.ReadLineAsync())!["data: ".Length..]);
        var id = created.RootElement.GetProperty("response").Id();
        await told.Task;

        var cancelled = await host.PostAsync("{}", path: $"/v1/responses/{id}/cancel");
        var rest = await reader.ReadToEndAsync();

        Assert.Equal("cancelled", cancelled.GetProperty("status").GetString());
        Assert.Contains("event: response.incomplete", rest, StringComparison.Ordinal);
        Assert.Contains(cancelled.GetRawText(), rest, StringComparison.Ordinal);
        Assert.Equal("cancelled", (await host.GetAsync($"/v1/responses/{id}")).GetProperty("status").GetString());
        await host.AssertIdleAsync();
        await host.PostAsync("{}", HttpStatusCode.BadRequest, $"/v1/responses/{id}/cancel");
        await host.PostAsync("{}", HttpStatusCode.NotFound, "/v1/responses/resp_1/cancel");
    }

    [Fact]
    public async Task Post_PreviousResponseOfAnotherGateway_IsFoundInASharedStore()
    {
        var shared = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions()));
        await using var one = await GatewayHost.StartAsync(services: services => services.AddSingleton<IDistributedCache>(shared));
        await using var other = await GatewayHost.StartAsync(services: services => services.AddSingleton<IDistributedCache>(shared));
        await using var alone = await GatewayHost.StartAsync();
        var id = (await one.PostAsync("""{"input":"Hi"}""")).Id();

        await other.PostAsync($$"""{"input":"And?","previous_response_id":"{{id}}"}""");
        await alone.PostAsync($$"""{"input":"And?","previous_response_id":"{{id}}"}""", HttpStatusCode.NotFound);

        Assert.Equal(["Hi", "Hello, world!", "And?"], other.Tokenizer.Chats.Single().Messages.Select(message => message.Content));
    }

    [Fact]
    public async Task Store_ThatFails_LosesNoAnswer()
    {
        await using var host = await GatewayHost.StartAsync(
            services: services => services.AddSingleton<IDistributedCache>(new LostCache()));

        var response = await host.PostAsync("""{"input":"Hi"}""");
        var error = (await host.GetAsync($"/v1/responses/{response.Id()}", HttpStatusCode.ServiceUnavailable)).GetProperty("error");

        Assert.Equal(("Hello, world!", false), (response.Text(), response.GetProperty("store").GetBoolean()));
        Assert.Equal("Responses that were kept cannot be reached at the moment.", error.GetProperty("message").GetString());
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Redis_BySetting_IsTheStore()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["ResponseStore:Redis"] = "127.0.0.1:1,abortConnect=false" });

        Assert.IsAssignableFrom<RedisCache>(host.Services.GetRequiredService<IDistributedCache>());
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(
            () => GatewayHost.StartAsync(new() { ["ResponseStore:Redis"] = "redis:6379,password=hush,foo=bar" }));
        Assert.DoesNotContain("hush", fault.Message, StringComparison.Ordinal);
    }

    private static string Access(string key) => "sha256:" + Convert.ToHexStringLower(
        System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private sealed class LostCache : IDistributedCache
    {
        public byte[]? Get(string key) => throw new IOException("gone");

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => throw new IOException("gone");

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new IOException("gone");

        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
            throw new IOException("gone");

        public void Refresh(string key) => throw new IOException("gone");

        public Task RefreshAsync(string key, CancellationToken token = default) => throw new IOException("gone");

        public void Remove(string key) => throw new IOException("gone");

        public Task RemoveAsync(string key, CancellationToken token = default) => throw new IOException("gone");
    }
}

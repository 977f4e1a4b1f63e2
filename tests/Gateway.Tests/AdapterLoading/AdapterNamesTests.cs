using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Gateway.Tests.AdapterLoading;

/// <summary>Adapters are models by their names, in every protocol.</summary>
public sealed class AdapterNamesTests
{
    private static readonly object[] Messages = [new { role = "user", content = "Hi" }];

    public static TheoryData<string, object, string> Protocols { get; } = new()
    {
        { "/v1/chat/completions", new { model = "org/poet", messages = Messages }, "model" },
        { "/v1/completions", new { model = "org/poet", prompt = "Hi" }, "model" },
        { "/v1/responses", new { model = "org/poet", input = "Hi" }, "model" },
        { "/v1/messages", new { model = "org/poet", max_tokens = 20, messages = Messages }, "model" },
        { "/api/chat", new { model = "org/poet", messages = Messages, stream = false }, "model" },
        { "/api/generate", new { model = "org/poet:latest", prompt = "Hi", stream = false }, "model" },
    };

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Model_ThatIsAnAdapter_IsAskedForInEveryProtocol(string path, object body, string member)
    {
        await using var host = await StartAsync();

        using var response = await host.Http().PostAsJsonAsync(path, body);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.StartsWith("org/poet", answer.GetProperty(member).GetString(), StringComparison.Ordinal);
        Assert.Equal(("fake", "org/poet"), (host.Generator.Requests.Last().Model, host.Generator.Requests.Last().Adapter));
    }

    [Fact]
    public async Task Model_ThatIsAnAdapter_IsAskedForOverGrpc()
    {
        await using var host = await StartAsync();
        var message = new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" };
        var request = new CompleteRequest { Model = "org/poet", Chat = new Tokenizer.V1.Chat { Messages = { message } } };
        var model = "";

        using var call = host.Client().Complete(request);
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
            model = call.ResponseStream.Current.Accepted?.Model ?? model;

        Assert.Equal("org/poet", model);
        Assert.Equal("org/poet", host.Generator.Requests.Last().Adapter);
    }

    /// <summary>The model itself is asked for without, whatever else there is.</summary>
    [Theory]
    [InlineData("fake")]
    [InlineData("")]
    public async Task Model_ThatIsTheBase_HasNoAdapter(string model)
    {
        await using var host = await StartAsync();

        using var response = await host.Http().PostAsJsonAsync("/v1/chat/completions", new { model, messages = Messages });
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal("fake", answer.GetProperty("model").GetString());
        Assert.Equal("fp_0123456789ab", answer.GetProperty("system_fingerprint").GetString());
        Assert.Equal("", host.Generator.Requests.Last().Adapter);
    }

    [Fact]
    public async Task Models_ListAdaptersWithTheirParent()
    {
        await using var host = await StartAsync();

        var list = (await host.Http().GetFromJsonAsync<JsonElement>("/v1/models")).GetProperty("data").EnumerateArray().ToList();
        var one = await host.Http().GetFromJsonAsync<JsonElement>("/v1/models/org/poet");
        var tags = await host.Http().GetFromJsonAsync<JsonElement>("/api/tags");

        Assert.Equal(["fake", "org/poet", "clerk"], list.Select(model => model.GetProperty("id").GetString()));
        Assert.Equal(JsonValueKind.Null, list[0].GetProperty("parent").ValueKind);
        Assert.Equal(["fake", "org/poet", "clerk"], list.Select(model => model.GetProperty("root").GetString()));
        Assert.Equal("fake", list[1].GetProperty("parent").GetString());
        Assert.Equal("fake", one.GetProperty("parent").GetString());
        Assert.Equal(3, tags.GetProperty("models").GetArrayLength());
    }

    /// <summary>Other weights are another fingerprint.</summary>
    [Fact]
    public async Task Fingerprint_OfAnAdapter_IsItsOwn()
    {
        await using var host = await StartAsync();

        using var response = await host.Http().PostAsJsonAsync("/v1/chat/completions", new { model = "clerk", messages = Messages });

        Assert.Equal("fp_0123456789ab_feedfacefeed",
            (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("system_fingerprint").GetString());
    }

    /// <summary>The services are looked at again for a name that has come since, where names come.</summary>
    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.NotFound)]
    public async Task Model_LoadedJustNow_IsKnownAtOnce(bool loading, HttpStatusCode expected)
    {
        await using var host = await GatewayHost.StartAsync(
            new() { ["DescribeCacheSeconds"] = "60" }, arrange: one => one.Generator.AdapterLoading = loading);
        using var before = await host.Http().PostAsJsonAsync("/v1/chat/completions", new { model = "fake", messages = Messages });
        host.Generator.Adapters.Add("late");

        using var response = await host.Http().PostAsJsonAsync("/v1/chat/completions", new { model = "late", messages = Messages });

        Assert.Equal((HttpStatusCode.OK, expected), (before.StatusCode, response.StatusCode));
    }

    /// <summary>A key for one adapter is none for the base, which no name stands for.</summary>
    [Theory]
    [InlineData("clerk", HttpStatusCode.OK)]
    [InlineData("org/poet", HttpStatusCode.Forbidden)]
    [InlineData("fake", HttpStatusCode.Forbidden)]
    [InlineData("", HttpStatusCode.Forbidden)]
    public async Task Key_ForOneAdapter_IsForThatAlone(string model, HttpStatusCode expected)
    {
        await using var host = await StartAsync(new() { ["Limits:default:Models"] = "clerk" });

        using var response = await host.Http().PostAsJsonAsync("/v1/chat/completions", new { model, messages = Messages });

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public void Labels_OfMoreNamesThanAllowed_AreOther()
    {
        var labels = new AdapterLabels(2);

        Assert.Equal(["a", "b", "other", "a"], ((string[])["a", "b", "c", "a"]).Select(labels.LabelOf));
    }

    private static Task<GatewayHost> StartAsync(Dictionary<string, string?>? settings = null) => GatewayHost.StartAsync(
        settings, arrange: one => one.Generator.Adapters.AddRange(["org/poet", "clerk"]));
}

using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;
using static Parley.Gateway.Tests.Ollama.OllamaCalls;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>What becomes of each field of Ollama's requests, as docs/ollama-api.md says.</summary>
public sealed class OllamaFieldsTests
{
    private const string Header = "X-Parley-Ignored-Fields";

    public static TheoryData<string, string, string> Silent => [.. OllamaFieldCases.Silent];

    public static TheoryData<string, string, string> Told => [.. OllamaFieldCases.Told];

    public static TheoryData<string, string, string, string> Honoured => [.. OllamaFieldCases.Honoured];

    public static TheoryData<string, string, string, string> Refused => [.. OllamaFieldCases.Refused];

    private static string Body(string path, string json) =>
        $"{(path == "/api/chat" ? Messages : Prompt)},\"stream\":false{(json.Length > 0 ? "," + json : "")}";

    [Theory]
    [MemberData(nameof(Silent))]
    public async Task Post_ValueThatAsksForNothing_IsTheSameAsWithout(string field, string path, string json)
    {
        var response = await CompareAsync(field, path, json);

        Assert.False(response.Headers.Contains(Header));
    }

    [Theory]
    [MemberData(nameof(Told))]
    public async Task Post_ValueThatIsReadOver_IsTold(string field, string path, string json)
    {
        var response = await CompareAsync(field, path, json);

        Assert.Equal(field, response.Headers.GetValues(Header).Single());
    }

    [Theory]
    [MemberData(nameof(Honoured))]
    public async Task Post_ValueThatAsksForSomething_IsHeard(string field, string path, string json, string heard)
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, with) = await PostAsync(host, path, Body(path, json));

        Assert.True(status == 200, $"{field}: {body}");
        Assert.False(with.Headers.Contains(Header));
        Assert.Contains(
            heard, $"{host.Generator.Requests.Single().Sampling} {host.Tokenizer.Chats.Single()} {host.Tokenizer.Starts.Single()}",
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Post_ValueThatCannotBeDone_IsRefusedByName(string field, string path, string json, string message)
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, _) = await PostAsync(host, path, Body(path, json));

        Assert.True(status == 400, $"{field}: {body}");
        Assert.StartsWith(message, body.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Post_FieldThatNobodyKnows_IsToldOrRefused()
    {
        await using var told = await GatewayHost.StartAsync();
        await using var strict = await GatewayHost.StartAsync(new() { ["UnknownFields"] = "Refuse" });
        const string Fields = "\"options\":{\"frobnicate\":1}";

        var (status, _, response) = await PostAsync(told, "/api/chat", Body("/api/chat", Fields));
        var (refused, body, _) = await PostAsync(strict, "/api/chat", Body("/api/chat", Fields));

        Assert.Equal((200, 400), (status, refused));
        Assert.Equal("options.frobnicate", response.Headers.GetValues(Header).Single());
        Assert.Equal("options.frobnicate is unknown.", body.GetProperty("error").GetString());
    }

    [Fact]
    public void Page_ItsTable_HasEachCaseAndNoOther()
    {
        var rows = FieldTable.Read(Path.Combine(Shared.RepositoryRoot, "docs", "ollama-api.md"));

        Assert.Equal(Names(OllamaFieldCases.Honoured.Select(one => one.Field)), rows["honoured"]);
        Assert.Equal(Names(OllamaFieldCases.Silent.Select(one => one.Field).Concat(OllamaFieldCases.Told.Select(one => one.Field))),
            rows["silent"]);
        Assert.Equal(Names(OllamaFieldCases.Refused.Select(one => one.Field)), rows["refused"]);
    }

    private static IEnumerable<string> Names(IEnumerable<string> fields) => fields.Distinct().Order(StringComparer.Ordinal);

    private static async Task<HttpResponseMessage> CompareAsync(string field, string path, string json)
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, with) = await PostAsync(host, path, Body(path, json));
        await PostAsync(host, path, Body(path, ""));

        Assert.True(status == 200, $"{field}: {body}");
        var sent = host.Generator.Requests.Select(request => request.Sampling).ToList();
        Assert.Equal(sent[1], sent[0]);
        var chats = host.Tokenizer.Chats.ToList();
        Assert.Equal(chats[1], chats[0]);
        host.Logs.AssertNoErrors();
        return with;
    }
}

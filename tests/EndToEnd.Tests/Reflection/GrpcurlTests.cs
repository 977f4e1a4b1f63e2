using System.Text.Json.Nodes;
using Grpc.Net.Client;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Reflection;

/// <summary>
/// Every line of grpcurl that the documents have does what it says, on the demo model, by a client that goes as grpcurl does: it lists,
/// describes and calls by what server reflection tells and knows nothing of the contracts.
/// </summary>
[Collection(DemoCollection.Name)]
public sealed class GrpcurlTests(DemoSystem system)
{
    private const string Chat = "parley.gateway.v1.ChatCompletion";

    /// <summary>What a method's answer must be; null where it is.</summary>
    private static readonly Dictionary<string, Func<IReadOnlyList<JsonObject>, string?>> Expected = new()
    {
        [Chat + "/Complete"] = ChatFault,
        [Chat + "/Inspect"] = answers => (string?)answers[0]["rendered"] is { Length: > 0 } ? null : "no rendered prompt",
        ["grpc.health.v1.Health/Check"] = answers => (string?)answers[0]["status"] == "SERVING" ? null : "not serving",
        ["parley.tokenizer.v1.Tokenization/Describe"] = answers => (uint?)answers[0]["vocabularySize"] > 0 ? null : "no vocabulary",
        ["parley.tokenizer.v1.Tokenization/Encode"] = answers => answers[0]["ids"] is JsonArray { Count: > 0 } ? null : "no ids",
        ["parley.generator.v1.Generation/Describe"] = answers => (uint?)answers[0]["contextTokensMax"] > 0 ? null : "no context",
        ["parley.generator.v1.Generation/GetLoad"] = answers => answers[0] is not null ? null : "nothing",
    };

    [Fact]
    public async Task Lines_OfEveryDocument_DoWhatTheySay()
    {
        var folders = new[] { "docs", "clients", "samples", "deploy", "k8s" }.Select(name => Path.Combine(Shared.RepositoryRoot, name));
        var documents = folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*.md", SearchOption.AllDirectories))
            .Prepend(Path.Combine(Shared.RepositoryRoot, "README.md"));
        var faults = new List<string>();
        var (calls, looks) = (0, 0);
        foreach (var document in documents)
        {
            foreach (var line in GrpcurlLine.In(await File.ReadAllTextAsync(document)))
            {
                (calls, looks) = line.Words is [var word] && word.Contains('/') ? (calls + 1, looks) : (calls, looks + 1);
                if (await FaultAsync(line) is { } fault)
                    faults.Add($"{Path.GetFileName(document)}: {line.Text}: {fault}");
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.True(calls > 0 && looks > 0, "The documents' lines were not found.");
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Reflection_OfEachService_DescribesAllThatItLists()
    {
        foreach (var channel in (GrpcChannel[])[system.Gateway, system.TokenizerChannel, system.GeneratorChannel])
        {
            var server = new ReflectedServer(channel);
            var names = await server.ListAsync();
            Assert.Contains("grpc.health.v1.Health", names);
            Assert.Contains(names, name => name.StartsWith("parley.", StringComparison.Ordinal));
            foreach (var name in names)
                Assert.Contains(await server.DescribeAsync(name), file => file.Services.Any(service => service.FullName == name));
        }
    }

    [Theory]
    // A field and a method that are not there, and a value of another kind: so a wrong line cannot pass.
    [InlineData(Chat + "/Complete", """{"chat": {"message": []}}""")]
    [InlineData(Chat + "/Complete", """{"chat": {"messages": "hello"}}""")]
    [InlineData(Chat + "/Completed", "{}")]
    public async Task Call_WrongLine_Fails(string method, string body) =>
        Assert.True(await Record.ExceptionAsync(() => new ReflectedServer(system.Gateway).CallAsync(method, body, []))
            is InvalidDataException or InvalidOperationException);

    private async Task<string?> FaultAsync(GrpcurlLine line)
    {
        // Ports as the services have them by default; `up` chooses others, and then they are the Gateway's.
        var server = new ReflectedServer(line.Port switch
        {
            5082 => system.TokenizerChannel,
            5083 => system.GeneratorChannel,
            _ => system.Gateway,
        });
        switch (line.Words)
        {
            case ["list"]:
                var names = await server.ListAsync();
                return names.Any(name => name.StartsWith("parley.", StringComparison.Ordinal)) ? null : "no service of ours";
            case ["describe", var symbol]:
                return (await server.DescribeAsync(symbol)).Count > 0 ? null : "not described";
            case [var method] when Expected.TryGetValue(method, out var fault):
                return fault(await server.CallAsync(method, line.Body, line.Headers));
            default:
                return "this test does not know what it should answer";
        }
    }

    private static string? ChatFault(IReadOnlyList<JsonObject> events)
    {
        var text = string.Concat(events.Select(one => (string?)one["delta"]?["text"]));
        var ends = events.Count(one => one.ContainsKey("completed") || one.ContainsKey("failed"));
        return text.Length == 0 ? "no text" : ends != 1 || !events[^1].ContainsKey("completed") ? $"{ends} ends" : null;
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Grpc.Core.Interceptors;
using Parley.Gateway.V1;
using Parley.ServiceDefaults;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>Gateway and Tokenizer as <c>-p:PublishAot=true</c> publishes them: machine code alone, before a Generator as it is.</summary>
[Collection(DemoCollection.Name)]
public sealed class NativeServicesTests(DemoSystem system, PublishedPrograms published) : IClassFixture<PublishedPrograms>, IDisposable
{
    private const string Arguments = "-r linux-x64 -p:PublishAot=true -p:CppCompilerAndLinker=gcc";
    private const string Key = "parley-native-test";
    private const string Question = "what is a token?";
    private const int TokensMax = 16;

    private readonly List<Process> _processes = [];

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill();
            process.Dispose();
        }
    }

    /// <summary>Every protocol reads and writes JSON of its own, and each could miss what the linker left out.</summary>
    [SlowFact]
    public async Task Services_InMachineCode_AnswerAsTheOthersDo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/gcc"), "What is published is for Linux and linked by gcc.");
        var tokenizer = await published.GetAsync("services/Tokenizer", Arguments);
        var gateway = await published.GetAsync("services/Gateway", Arguments);
        Assert.Empty(Directory.GetFiles(gateway, "*.dll"));
        var keys = Path.Combine(published.Folder, "keys");
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)));
        // Options by names, which only reflection binds.
        await File.WriteAllTextAsync(keys, $$"""
            { "Keys": { "test": { "Hash": "sha256:{{hash}}", "Limits": "some" } }, "Limits": { "some": { "RequestsPerMinute": 1000 } } }
            """);

        var tokens = Start(Path.Combine(tokenizer, "Parley.Tokenizer"), 1, new()
        {
            ["Tokenizer__PackageDirectory"] = system.Package,
            ["Kestrel__Endpoints__Grpc__Url"] = "http://127.0.0.1:0",
        });
        var listening = Start(Path.Combine(gateway, "Parley.Gateway"), 2, new()
        {
            ["Gateway__TokenizerAddress"] = tokens[0].ToString(),
            ["Gateway__GeneratorAddress"] = $"http://{system.GeneratorChannel.Target}",
            ["Gateway__ApiKeyFile"] = keys,
            ["Kestrel__Endpoints__Http__Url"] = "http://127.0.0.1:0",
            ["Kestrel__Endpoints__Grpc__Url"] = "http://127.0.0.1:0",
        });

        var answers = new List<string>();
        foreach (var address in listening)
        {
            using var http = new HttpClient { BaseAddress = address };
            http.DefaultRequestHeaders.Add("Authorization", $"Bearer {Key}");
            answers.Add(await SpeaksHttp1Async(http) ? await AskByHttpAsync(http) : await AskByGrpcAsync(address));
        }

        using var own = new HttpClient { BaseAddress = system.Http };
        var expected = await AskByHttpAsync(own);
        Assert.NotEmpty(expected);
        Assert.Equal([expected, expected], answers);
    }

    /// <summary>Asks by each protocol; all have the same text.</summary>
    private static async Task<string> AskByHttpAsync(HttpClient http)
    {
        var message = new JsonObject { ["role"] = "user", ["content"] = Question };
        var text = (string)(await PostAsync(http, "/v1/chat/completions", new()
        {
            ["messages"] = new JsonArray(message.DeepClone()),
            ["temperature"] = 0,
            ["max_tokens"] = TokensMax,
        }))["choices"]![0]!["message"]!["content"]!;
        Assert.Equal(text, (string)(await PostAsync(http, "/v1/responses", new()
        {
            ["input"] = new JsonArray(message.DeepClone()),
            ["temperature"] = 0,
            ["max_output_tokens"] = TokensMax,
        }))["output"]![0]!["content"]![0]!["text"]!);
        Assert.Equal(text, (string)(await PostAsync(http, "/v1/messages", new()
        {
            ["model"] = "demo",
            ["messages"] = new JsonArray(message.DeepClone()),
            ["temperature"] = 0,
            ["max_tokens"] = TokensMax,
        }))["content"]![0]!["text"]!);
        Assert.Equal(text, (string)(await PostAsync(http, "/api/chat", new()
        {
            ["model"] = "demo",
            ["messages"] = new JsonArray(message.DeepClone()),
            ["stream"] = false,
            ["options"] = new JsonObject { ["temperature"] = 0, ["num_predict"] = TokensMax },
        }))["message"]!["content"]!);
        return text;
    }

    private static async Task<string> AskByGrpcAsync(Uri address)
    {
        using var channel = GrpcClientDefaults.CreateChannel(address);
        var authorized = channel.Intercept(metadata => { metadata.Add("authorization", $"Bearer {Key}"); return metadata; });
        var client = new ChatCompletion.ChatCompletionClient(authorized);
        return (await client.CollectAsync(Conversations.Ask(Question, Conversations.Greedy(TokensMax)))).Text();
    }

    private static async Task<JsonNode> PostAsync(HttpClient http, string path, JsonObject request)
    {
        using var reply = await http.PostAsJsonAsync(path, request);
        var text = await reply.Content.ReadAsStringAsync();
        Assert.True(reply.IsSuccessStatusCode, $"{path}: {text}");
        return JsonNode.Parse(text)!;
    }

    /// <summary>Waits until the Gateway has seen both services; the port of gRPC refuses the question.</summary>
    private static async Task<bool> SpeaksHttp1Async(HttpClient http)
    {
        while (true)
        {
            using var reply = await http.GetAsync("/v1/models");
            if (reply.StatusCode != HttpStatusCode.ServiceUnavailable)
                return reply.IsSuccessStatusCode;
            await Task.Delay(20);
        }
    }

    /// <summary>Starts a program; returns the addresses that it tells.</summary>
    private Uri[] Start(string program, int addresses, Dictionary<string, string> settings)
    {
        const string told = "Now listening on: ";
        settings["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
        _processes.Add(CommandRun.Start(program, [], settings, out var lines));
        var seen = new List<string>();
        Uri[] found = [.. Lines(lines, seen).Where(line => line.Contains(told, StringComparison.Ordinal)).Take(addresses)
            .Select(line => new Uri(line[(line.IndexOf(told, StringComparison.Ordinal) + told.Length)..]))];
        Assert.True(found.Length == addresses, string.Join('\n', seen));
        return found;
    }

    private static IEnumerable<string> Lines(BlockingCollection<string> lines, List<string> seen)
    {
        foreach (var line in lines.GetConsumingEnumerable())
        {
            seen.Add(line);
            yield return line;
        }
    }
}

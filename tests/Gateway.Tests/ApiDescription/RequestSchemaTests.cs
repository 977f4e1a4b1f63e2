using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.Tests.OpenAi;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>What the document says of requests is what the readers read, field by field and value by value.</summary>
public sealed class RequestSchemaTests
{
    [Fact]
    public async Task Schemas_EveryFieldThatAReaderKnows_IsThereAndNoOther()
    {
        await using var host = await GatewayHost.StartAsync();
        var api = await DescribedApi.ReadAsync(host.Http());
        Assert.True(FieldWords.All.Count > 500, "The words of the assembly were not found.");
        var faults = new List<string>();

        foreach (var one in RequestCase.All)
        {
            var described = api.Properties(one.Component).Select(property => property.Key).ToHashSet();
            var known = FieldWords.All.Where(word => Knows(one, word, word)).ToHashSet();
            faults.AddRange(known.Except(described).Select(word => $"{one.Component} has no {word}"));
            faults.AddRange(described.Except(known).Select(word => $"{one.Component} describes {word}, which is unknown to its reader"));
        }

        var options = api.Properties("OllamaOptions").Select(property => property.Key).ToHashSet();
        var chat = RequestCase.All.Single(one => one.Route == "/api/chat");
        var read = FieldWords.All.Where(word => Knows(chat, "options", $"options.{word}", word)).ToHashSet();
        faults.AddRange(read.Except(options).Select(word => $"OllamaOptions has no {word}"));
        faults.AddRange(options.Except(read).Select(word => $"OllamaOptions describes {word}, which is unknown to its reader"));
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task Schemas_AnyValue_IsTakenByTheSchemaWhereTheServerTakesIt()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        var api = await DescribedApi.ReadAsync(host.Http());
        var chat = api.Properties("ChatCompletionRequest");
        var faults = new List<string>();
        var values = 0;
        foreach (var one in RequestCase.All)
        {
            // What is described alike is read alike, by the same reader.
            foreach (var (name, schema) in api.Properties(one.Component).Where(
                property => one.Component == "ChatCompletionRequest" || !JsonNode.DeepEquals(property.Value, chat[property.Key])))
            {
                foreach (var value in SampleValues.Of(schema!).Where(value => !SampleValues.IsJudgedByMore(name, value)))
                {
                    values++;
                    if (await FaultAsync(host.Http(), api, one, name, value) is { } fault)
                        faults.Add(fault);
                }
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(50)));
        Assert.True(values > 4000, $"{values} values are too few.");
    }

    [Fact]
    public async Task Schemas_RequestsOfClients_AreTakenWhereTheServerTakesThem()
    {
        await using var host = await GatewayHost.StartAsync();
        var api = await DescribedApi.ReadAsync(host.Http());
        var chat = RequestCase.All[0];
        var good = FieldCases.Nothing.Concat(FieldCases.Neutral).ToList();
        var bad = FieldCases.Unsupported.Select(one => one.Fields);
        var faults = new List<string>();

        foreach (var fields in good.Concat(bad))
        {
            var body = JsonElement.Parse($"{{{chat.Least},{fields}}}");
            var described = api.FaultsOf(chat.Component, body);
            // Refused for other fields, or for what the model is; and what is empty asks for nothing, which is said of all at once.
            var isExpected = good.Contains(fields)
                ? described.Length == 0 || IsEmpty(fields)
                : described.Length > 0 || IsJudgedLater(fields);
            if (!isExpected)
                faults.Add($"{fields}: {(described.Length == 0 ? "taken" : described)}");
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task Schemas_CollectedCases_AreTakenWhereTheyAreAnswered()
    {
        var path = Path.GetFullPath(Path.Combine(Shared.Fixtures, "..", "cases", "api.json"));
        Assert.SkipUnless(File.Exists(path), $"The cases {path} are missing.");
        await using var host = await GatewayHost.StartAsync();
        var api = await DescribedApi.ReadAsync(host.Http());
        var faults = new List<string>();
        var count = 0;
        foreach (var one in JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsArray())
        {
            var request = RequestCase.All.FirstOrDefault(known => known.Route == (string)one!["path"]!);
            var isAnswered = ((string)one!["expect"]!).StartsWith("200", StringComparison.Ordinal);
            if (request is null || one["body"] is not JsonObject body || !isAnswered)
                continue;
            count++;
            if (api.FaultsOf(request.Component, JsonElement.Parse(body.ToJsonString())) is { Length: > 0 } fault)
                faults.Add($"{one["name"]}: {fault}");
        }

        Assert.True(count > 25, $"{count} cases are too few.");
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static bool IsEmpty(string fields) => fields.EndsWith("[]", StringComparison.Ordinal)
        || fields.EndsWith("{}", StringComparison.Ordinal) || fields.EndsWith("\"\"", StringComparison.Ordinal);

    private static bool IsJudgedLater(string fields)
    {
        string[] words = ["best_of", "options", "penalize_nl", "max_tokens", "budget"];
        return words.Any(word => fields.Contains(word, StringComparison.Ordinal));
    }

    private static async Task<string?> FaultAsync(HttpClient http, DescribedApi api, RequestCase one, string name, string value)
    {
        var body = one.With(name, value);
        var (isTaken, answer) = await AskAsync(http, one, name, body);
        // Which the document says of all fields at once.
        var isNothing = isTaken && value is "[]" or "{}" or "\"\"";
        return isTaken == api.Takes(one.Component, body) || isNothing
            ? null : $"{one.Route} {name}: {value} {api.FaultsOf(one.Component, body)} | {answer}";
    }

    private static async Task<(bool IsTaken, string Answer)> AskAsync(HttpClient http, RequestCase one, string name, JsonElement body)
    {
        // A reader's faults are the answer's, and of what it only reads over nobody else hears.
        if (one.Read(body).FirstOrDefault(violation => violation.Reason != ViolationReason.Unknown) is { } fault)
            return (false, fault.Description);
        if (OtherFields.All.ContainsKey(name) && one.Component == "ChatCompletionRequest")
            return (true, "");
        using var response = await http.PostAsync(one.Route, new StringContent(body.GetRawText(), Encoding.UTF8, "application/json"));
        return (response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    private static bool Knows(RequestCase one, string member, string field, string? inner = null)
    {
        var body = one.With(member, inner is null ? "true" : $"{{{JsonSerializer.Serialize(inner)}:true}}");
        return !one.Read(body).Any(violation => violation.Field == field && violation.Reason == ViolationReason.Unknown);
    }
}

using System.Text;
using System.Text.Json;
using OpenAI.Chat;
using OpenAI.Responses;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>docs/openai.md has a row for every field that OpenAI's .NET client can send, and each row is true.</summary>
public sealed class FieldTableTests
{
    /// <summary>What the client writes itself, beside what its options hold.</summary>
    private static readonly string[] OfTheCall = ["messages", "model", "stream", "stream_options"];

    [Fact]
    public Task ChatCompletions_EveryFieldOfTheClient_IsWhatItsRowSays() => CheckAsync(
        "/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]", [.. ClientFields.Of<ChatCompletionOptions>()]);

    [Fact]
    public Task Responses_EveryFieldOfTheClient_IsWhatItsRowSays() => CheckAsync(
        "/v1/responses", "\"input\":\"Hi\"", [.. ClientFields.Of<CreateResponseOptions>()]);

    /// <summary>The client has no public type for these requests; the names are those of its own.</summary>
    [Fact]
    public Task Completions_EveryFieldOfTheClient_IsWhatItsRowSays() => CheckAsync(
        "/v1/completions", "\"prompt\":\"Hi\"", [.. ClientFields.OfCompletions()]);

    private static async Task CheckAsync(string route, string needed, List<(string Name, string Members)> fields)
    {
        var rows = FieldTable.Read(route);
        Assert.True(fields.Count > 15, "the client's fields were not found");
        var names = fields.Select(field => field.Name).ToList();
        Assert.True(!names.Except(rows.Keys).Any(), $"No row in docs/openai.md, {route}: {string.Join(", ", names.Except(rows.Keys))}");
        var tooMany = rows.Keys.Except(names).Except(OfTheCall).ToList();
        Assert.True(tooMany.Count == 0, $"The client sends no {string.Join(", ", tooMany)} to {route}");
        await using var host = await GatewayHost.StartAsync();
        var faults = new List<string>();
        foreach (var (name, members) in fields)
        {
            var key = members[..members.IndexOf(':', StringComparison.Ordinal)];
            var body = needed.StartsWith(key, StringComparison.Ordinal) ? members : $"{needed},{members}";
            // These two want another field beside them.
            body = name == "top_logprobs" && route.EndsWith("completions", StringComparison.Ordinal) ? $"{body},\"logprobs\":true" : body;
            if (name is "model" or "previous_response_id")
                continue;
            using var response = await host.Http().PostAsync(route, new StringContent($"{{{body}}}", Encoding.UTF8, "application/json"));
            var found = await BecameAsync(response, name);
            if (found != rows[name] && !(found == "accepted" && rows[name] is "honoured" or "nothing"))
                faults.Add($"{name} is {found}, and its row says {rows[name]} ({members})");
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static async Task<string> BecameAsync(HttpResponseMessage response, string name)
    {
        if (response.IsSuccessStatusCode)
            return response.Headers.Contains("X-Parley-Ignored-Fields") ? "told" : "accepted";
        using var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var param = error.RootElement.GetProperty("error").GetProperty("param").GetString() ?? "none";
        return (int)response.StatusCode == 400 && param.StartsWith(name, StringComparison.Ordinal)
            ? "refused" : $"a fault of {param} ({response.StatusCode})";
    }
}

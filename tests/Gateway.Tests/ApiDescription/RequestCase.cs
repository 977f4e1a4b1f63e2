using System.Text.Json;
using Parley.Gateway.Anthropic;
using Parley.Gateway.Chat;
using Parley.Gateway.Completions;
using Parley.Gateway.Ollama;
using Parley.Gateway.OpenAi;
using Parley.Gateway.ResponsesApi;
using Parley.Gateway.Tokens;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>A body that a route takes: its component, the least that it must hold, and its reader.</summary>
/// <param name="Component">In the document.</param>
/// <param name="Route">Where it is sent.</param>
/// <param name="Least">Members that it cannot be without, as JSON.</param>
/// <param name="Read">The faults of a body by its reader, where unknown fields are refused.</param>
internal sealed record RequestCase(string Component, string Route, string Least, Func<JsonElement, ViolationList> Read)
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    private const UnknownFields Refuse = UnknownFields.Refuse;

    public static readonly RequestCase[] All =
    [
        new("ChatCompletionRequest", "/v1/chat/completions", Messages, body =>
        {
            var reader = new ChatCompletionRequestReader(Refuse);
            reader.Read(body, "", default);
            return reader.Violations;
        }),
        new("CompletionRequest", "/v1/completions", "\"prompt\":\"Hi\"", body =>
        {
            var reader = new CompletionRequestReader(new GatewayOptions { UnknownFields = Refuse });
            reader.Read(body, "", default);
            return reader.Violations;
        }),
        new("ResponseRequest", "/v1/responses", "\"input\":\"Hi\"", body =>
        {
            var reader = new ResponseRequestReader(Refuse, "", "resp_1", default);
            reader.Read(body, [], new Dictionary<string, ResponseItem>());
            return reader.Violations;
        }),
        new("MessagesRequest", "/v1/messages", "\"max_tokens\":16," + Messages, body => OfMessages(body, isCount: false)),
        new("CountTokensRequest", "/v1/messages/count_tokens", Messages, body => OfMessages(body, isCount: true)),
        new("OllamaChatRequest", "/api/chat", "\"stream\":false," + Messages, body =>
        {
            var reader = new OllamaChatReader(Refuse);
            reader.Read(body, "", default, null);
            return reader.Fields.Violations;
        }),
        new("OllamaGenerateRequest", "/api/generate", "\"stream\":false,\"prompt\":\"Hi\"", body =>
        {
            var reader = new OllamaGenerateReader(Refuse);
            reader.Read(body, "", default, null);
            return reader.Fields.Violations;
        }),
        new("TokenizeRequest", "/tokenize", "\"prompt\":\"Hi\"", body =>
        {
            var reader = new TokenizeRequestReader(Refuse);
            reader.Read(body, "", default);
            return reader.Violations;
        }),
        new("DetokenizeRequest", "/detokenize", "\"tokens\":[1]", body =>
        {
            var reader = new DetokenizeRequestReader(Refuse);
            reader.Read(body);
            return reader.Violations;
        }),
    ];

    /// <summary>Fields that count only beside another, and that other.</summary>
    private static readonly (string Prefix, string Beside)[] Companions =
    [
        ("dry_", "\"dry_multiplier\":1"), ("xtc_", "\"xtc_probability\":0.5"), ("dynatemp_", "\"dynatemp_range\":1"),
        ("mirostat_tau", "\"mirostat\":2"), ("mirostat_eta", "\"mirostat\":2"), ("top_logprobs", "\"logprobs\":true"),
    ];

    /// <summary>A body of the least members, one of which may be replaced, and another; with that one what it counts beside.</summary>
    public JsonElement With(string name, string value)
    {
        var beside = Companions.Where(one => name.StartsWith(one.Prefix, StringComparison.Ordinal) && Component != "CompletionRequest"
            && Component != "TokenizeRequest").Select(one => "," + one.Beside);
        using var least = JsonDocument.Parse($"{{{Least}{string.Concat(beside)}}}");
        var members = least.RootElement.EnumerateObject().Where(member => member.Name != name)
            .Select(member => $"{JsonSerializer.Serialize(member.Name)}:{member.Value.GetRawText()}")
            .Append($"{JsonSerializer.Serialize(name)}:{value}");
        return JsonElement.Parse($"{{{string.Join(',', members)}}}");
    }

    private static ViolationList OfMessages(JsonElement body, bool isCount)
    {
        var reader = new MessagesRequestReader(Refuse, isCount);
        reader.Read(body, "", default);
        return reader.Violations;
    }
}

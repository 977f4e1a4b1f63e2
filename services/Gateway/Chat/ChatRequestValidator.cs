using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Chat;

/// <summary>Finds every fault of a request that needs no service to be seen. Fields are named as in the gRPC contract.</summary>
internal sealed class ChatRequestValidator(IOptions<GatewayOptions> options)
{
    // As many as the Tokenizer's TemplateDepthMax lets through unless it is set otherwise.
    private const int JsonDepthMax = 128;

    private static readonly string[] Roles = ["system", "user", "assistant", "tool"];

    /// <summary>All violations; an empty list is a good request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="servedModel">The model that is served, where that is known.</param>
    public IReadOnlyList<ChatViolation> Validate(ChatRequest request, string? servedModel)
    {
        var violations = new List<ChatViolation>();
        if (servedModel is not null && request.Model.Length > 0 && request.Model != servedModel)
            violations.Add(UnknownModel(request.Model, servedModel));
        CheckConversation(request.Conversation, violations);
        CheckStops(request.Stop, violations);
        if (request.Choices < 1 || request.Choices > options.Value.ChoicesMax)
            violations.Add(new ChatViolation("n", $"must be between 1 and {options.Value.ChoicesMax} (it is {request.Choices})"));
        CheckSampling(request.Sampling, violations);
        return violations;
    }

    public static ChatViolation UnknownModel(string model, string servedModel) =>
        new("model", $"'{model}' is not served here; the model is '{servedModel}'");

    private void CheckConversation(Conversation conversation, List<ChatViolation> violations)
    {
        var limits = options.Value;
        if (conversation.Messages.Count == 0)
            violations.Add(new ChatViolation("chat.messages", "must hold at least one message"));
        if (conversation.Messages.Count > limits.MessagesMax)
            violations.Add(new ChatViolation(
                "chat.messages", $"must hold at most {limits.MessagesMax} messages (it holds {conversation.Messages.Count})"));
        if (conversation.ToolsJson.Count > limits.ToolsMax)
            violations.Add(new ChatViolation(
                "chat.tools_json", $"must hold at most {limits.ToolsMax} tools (it holds {conversation.ToolsJson.Count})"));
        var characters = 0L;
        for (var index = 0; index < conversation.Messages.Count; index++)
        {
            var message = conversation.Messages[index];
            characters += (message.Content?.Length ?? 0) + message.Parts.Sum(part => (long)part.Length);
            CheckMessage($"chat.messages[{index}]", message, violations);
        }

        if (characters > limits.CharactersMax)
            violations.Add(
                new ChatViolation("chat.messages", $"must hold at most {limits.CharactersMax} characters (they hold {characters})"));
        if (conversation.ContinueFinalMessage && conversation.AddGenerationPrompt == true)
            violations.Add(new ChatViolation("chat.add_generation_prompt", "contradicts continue_final_message"));
        if (conversation.ContinueFinalMessage && conversation.Messages is [.., { Content: null, Parts.Count: 0 }])
            violations.Add(new ChatViolation("chat.continue_final_message", "needs a last message with content"));
        CheckObject("chat.template_arguments_json", conversation.TemplateArgumentsJson, optional: true, violations);
        for (var index = 0; index < conversation.ToolsJson.Count; index++)
            CheckObject($"chat.tools_json[{index}]", conversation.ToolsJson[index], optional: false, violations);
        for (var index = 0; index < conversation.DocumentsJson.Count; index++)
            CheckObject($"chat.documents_json[{index}]", conversation.DocumentsJson[index], optional: false, violations);
    }

    private void CheckMessage(string field, ChatMessage message, List<ChatViolation> violations)
    {
        if (message.Role.Length == 0)
            violations.Add(new ChatViolation($"{field}.role", "is missing"));
        else if (!Roles.Contains(message.Role) && !options.Value.ExtraRoles.Contains(message.Role))
            violations.Add(new ChatViolation(
                $"{field}.role", $"'{message.Role}' is unknown; use one of {string.Join(", ", Roles.Concat(options.Value.ExtraRoles))}"));
        if (message.Content is null && message.Parts.Count == 0 && message.ToolCalls.Count == 0)
            violations.Add(new ChatViolation($"{field}.content", "is missing"));
        if (message.Content is not null && message.Parts.Count > 0)
            violations.Add(new ChatViolation($"{field}.parts", "must be empty where content is given"));
        CheckObject($"{field}.extra_json", message.ExtraJson, optional: true, violations);
        for (var index = 0; index < message.ToolCalls.Count; index++)
        {
            if (message.ToolCalls[index].Name.Length == 0)
                violations.Add(new ChatViolation($"{field}.tool_calls[{index}].name", "is missing"));
        }
    }

    private void CheckStops(IReadOnlyList<string> stops, List<ChatViolation> violations)
    {
        if (stops.Count > options.Value.StopsMax)
            violations.Add(new ChatViolation("stop", $"must hold at most {options.Value.StopsMax} strings (it holds {stops.Count})"));
        for (var index = 0; index < stops.Count; index++)
        {
            if (stops[index].Length == 0)
                violations.Add(new ChatViolation($"stop[{index}]", "must not be empty"));
            if (stops[index].Length > options.Value.StopCharactersMax)
                violations.Add(new ChatViolation(
                    $"stop[{index}]", $"must have at most {options.Value.StopCharactersMax} characters (it has {stops[index].Length})"));
        }
    }

    private void CheckSampling(SamplingSettings sampling, List<ChatViolation> violations)
    {
        CheckRange("temperature", sampling.Temperature, 0, 100, violations);
        CheckRange("top_p", sampling.TopP, 0, 1, violations);
        CheckRange("min_p", sampling.MinP, 0, 1, violations);
        CheckRange("typical_p", sampling.TypicalP, 0, 1, violations);
        CheckRange("presence_penalty", sampling.PresencePenalty, -2, 2, violations);
        CheckRange("frequency_penalty", sampling.FrequencyPenalty, -2, 2, violations);
        if (sampling.RepetitionPenalty is { } penalty && !(penalty > 0 && penalty <= 100))
            violations.Add(
                new ChatViolation("sampling.repetition_penalty", $"must be greater than 0 and at most 100 (it is {Text(penalty)})"));
        foreach (var (id, bias) in sampling.LogitBias)
            CheckRange($"logit_bias[{id}]", bias, -100, 100, violations);
        if (sampling.MaxTokens == 0)
            violations.Add(new ChatViolation("sampling.max_tokens", "must be at least 1 (it is 0)"));
        if (sampling.MinTokens > sampling.MaxTokens)
            violations.Add(
                new ChatViolation("sampling.min_tokens", $"must not exceed max_tokens ({sampling.MinTokens} > {sampling.MaxTokens})"));
        if (sampling.TopLogprobs > options.Value.TopLogprobsMax)
            violations.Add(new ChatViolation(
                "sampling.top_logprobs", $"must be at most {options.Value.TopLogprobsMax} (it is {sampling.TopLogprobs})"));
        if (sampling.TopLogprobs > 0 && sampling.Logprobs != true)
            violations.Add(new ChatViolation("sampling.top_logprobs", "needs logprobs to be true"));
        if (sampling.TraceCandidates > options.Value.CandidatesMax)
            violations.Add(new ChatViolation(
                "sampling.trace_candidates", $"must be at most {options.Value.CandidatesMax} (it is {sampling.TraceCandidates})"));
    }

    private static void CheckRange(string name, float? value, float least, float most, List<ChatViolation> violations)
    {
        // Written so that NaN, which compares false with everything, is refused.
        if (value is { } number && !(number >= least && number <= most))
            violations.Add(new ChatViolation($"sampling.{name}", $"must be between {Text(least)} and {Text(most)} (it is {Text(number)})"));
    }

    private static void CheckObject(string field, string json, bool optional, List<ChatViolation> violations)
    {
        if (optional && json.Length == 0)
            return;
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = int.MaxValue });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                if (!IsNestedWithin(document.RootElement, JsonDepthMax))
                    violations.Add(new ChatViolation(field, $"is nested too deeply; at most {JsonDepthMax} levels are allowed"));
                return;
            }
        }
        catch (JsonException)
        {
            // Told below, like any other value that is not an object.
        }

        violations.Add(new ChatViolation(field, "must be a JSON object"));
    }

    private static bool IsNestedWithin(JsonElement element, int levels) => element.ValueKind switch
    {
        JsonValueKind.Object => levels > 0 && element.EnumerateObject().All(member => IsNestedWithin(member.Value, levels - 1)),
        JsonValueKind.Array => levels > 0 && element.EnumerateArray().All(item => IsNestedWithin(item, levels - 1)),
        _ => true,
    };

    private static string Text(float value) => value.ToString(CultureInfo.InvariantCulture);
}

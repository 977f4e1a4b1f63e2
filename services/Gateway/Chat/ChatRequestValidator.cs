using System.Globalization;
using Microsoft.Extensions.Options;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>Finds every fault of a request that needs no service to be seen. Fields are named as in the gRPC contract.</summary>
internal sealed class ChatRequestValidator(IOptions<GatewayOptions> options)
{
    private const int RoleShownMax = 64;
    private const int ModelShownMax = 128;

    private static readonly string[] Roles = ["system", "user", "assistant", "tool"];

    /// <summary>All violations; an empty list is a good request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="servedNames">The names of the model that is served, where they are known.</param>
    /// <param name="isWithoutVision">It sees images as its makers publish it, and was imported as its text model alone.</param>
    public ViolationList Validate(ChatRequest request, IReadOnlyList<string>? servedNames, bool isWithoutVision = false)
    {
        var violations = new ViolationList();
        if (servedNames is not null && request.Model.Length > 0 && !servedNames.Contains(request.Model))
            violations.Add(UnknownModel(request.Model, servedNames[0]));
        if (request.Prompt is { } prompt)
        {
            CheckPrompt(prompt, violations);
        }
        else
        {
            CheckConversation(request.Conversation, violations);
            CheckImages(request.Conversation, isWithoutVision, violations);
        }

        AnswerPlan.CheckChoice(request, violations);
        CheckStops(request.Stop, violations);
        if (request.Choices < 1 || request.Choices > options.Value.ChoicesMax)
            violations.Add("n", $"must be between 1 and {options.Value.ChoicesMax} (it is {request.Choices})",
                request.Choices < 1 ? ViolationReason.IntegerTooSmall : ViolationReason.IntegerTooLarge);
        CheckSampling(request.Sampling, violations);
        return request.FieldsAsSent.Count == 0 ? violations : violations.Rename(violation => request.NameAsSent(violation.Field));
    }

    /// <summary>
    /// What else is amiss with a request whose fields have faults already: what their types allow to be judged is judged as well, so that
    /// one answer names every fault.
    /// </summary>
    /// <param name="found">The faults of the fields.</param>
    /// <param name="request">The request as far as it could be read.</param>
    /// <param name="served">The services, where they are known.</param>
    /// <param name="nameOf">A field of the gRPC contract as the caller's protocol calls it.</param>
    public IEnumerable<ChatViolation> FindFurther(
        ViolationList found, ChatRequest request, UpstreamPair? served, Func<string, string> nameOf)
    {
        var named = found.Select(violation => violation.Field).ToHashSet(StringComparer.Ordinal);
        return Validate(request, served?.Names, served?.Generator.WithoutVision == true)
            .Where(violation => !named.Contains(nameOf(violation.Field)));
    }

    /// <summary>The refusal of a name that is not served.</summary>
    public static ChatError ModelNotFound(string model, string servedModel) =>
        ChatError.Invalid([UnknownModel(model, servedModel)]) with { Kind = ChatErrorKind.ModelNotFound };

    private static ChatViolation UnknownModel(string model, string servedModel) =>
        new("model", $"'{BoundedText.Cut(model, ModelShownMax)}' is not served here; the model is '{servedModel}'");

    private void CheckConversation(Conversation conversation, ViolationList violations)
    {
        var limits = options.Value;
        if (conversation.Messages.Count == 0)
            violations.Add("chat.messages", "must hold at least one message", ViolationReason.ListTooShort);
        if (conversation.Messages.Count > limits.MessagesMax)
            violations.Add("chat.messages", $"must hold at most {limits.MessagesMax} messages (it holds {conversation.Messages.Count})",
                ViolationReason.ListTooLong);
        if (conversation.ToolsJson.Count > limits.ToolsMax)
            violations.Add("chat.tools_json", $"must hold at most {limits.ToolsMax} tools (it holds {conversation.ToolsJson.Count})",
                ViolationReason.ListTooLong);
        var characters = 0L;
        for (var index = 0; index < conversation.Messages.Count; index++)
        {
            var message = conversation.Messages[index];
            characters += (message.Content?.Length ?? 0) + message.Parts.Sum(part => (long)part.Length);
            CheckMessage($"chat.messages[{index}]", message, violations);
        }

        if (characters > limits.CharactersMax)
            violations.Add("chat.messages", $"must hold at most {limits.CharactersMax} characters (they hold {characters})",
                ViolationReason.TextTooLong);
        if (conversation.ContinueFinalMessage && conversation.AddGenerationPrompt == true)
            violations.Add("chat.add_generation_prompt", "contradicts continue_final_message");
        if (conversation.ContinueFinalMessage && conversation.Messages is [.., { Content: null, Parts.Count: 0 }])
            violations.Add("chat.continue_final_message", "needs a last message with content");
        CheckObject("chat.template_arguments_json", conversation.TemplateArgumentsJson, optional: true, violations);
        for (var index = 0; index < conversation.ToolsJson.Count; index++)
            CheckObject($"chat.tools_json[{index}]", conversation.ToolsJson[index], optional: false, violations);
        for (var index = 0; index < conversation.DocumentsJson.Count; index++)
            CheckObject($"chat.documents_json[{index}]", conversation.DocumentsJson[index], optional: false, violations);
    }

    private void CheckPrompt(RawPrompt prompt, ViolationList violations)
    {
        var length = prompt.Text?.Length ?? prompt.Ids?.Count ?? 0;
        if (length > options.Value.CharactersMax)
            violations.Add("chat.messages",
                $"must hold at most {options.Value.CharactersMax} {(prompt.Text is null ? "ids" : "characters")} (it holds {length})",
                ViolationReason.TextTooLong);
        if (prompt.Ids is { Count: 0 })
            violations.Add("chat.messages", "must hold at least one id", ViolationReason.ListTooShort);
    }

    private void CheckMessage(string field, ChatMessage message, ViolationList violations)
    {
        if (message.Role.Length == 0)
            violations.Add($"{field}.role", "is missing", ViolationReason.Missing);
        else if (!Roles.Contains(message.Role) && !options.Value.ExtraRoles.Contains(message.Role))
            violations.Add($"{field}.role",
                $"'{BoundedText.Cut(message.Role, RoleShownMax)}' is unknown; use one of "
                + string.Join(", ", Roles.Concat(options.Value.ExtraRoles)));
        if (message.Content is null && message.Parts.Count + message.ImageParts.Count == 0 && message.ToolCalls.Count == 0)
            violations.Add($"{field}.content", "is missing", ViolationReason.Missing);
        if (message.Content is not null && message.Parts.Count + message.ImageParts.Count > 0)
            violations.Add($"{field}.parts", "must be empty where content is given");
        CheckObject($"{field}.extra_json", message.ExtraJson, optional: true, violations);
        for (var index = 0; index < message.ToolCalls.Count; index++)
        {
            if (message.ToolCalls[index].Name.Length == 0)
                violations.Add($"{field}.tool_calls[{index}].name", "is missing", ViolationReason.Missing);
        }
    }

    private static void CheckImages(Conversation conversation, bool isWithoutVision, ViolationList violations)
    {
        var reason = isWithoutVision ? "this model was imported without its vision tower" : "this model reads text alone";
        foreach (var (index, message) in conversation.Messages.Index())
        {
            foreach (var part in message.ImageParts)
            {
                violations.Add(
                    $"chat.messages[{index}].parts[{part}].image", $"is not supported: {reason}", ViolationReason.Unsupported);
            }
        }
    }

    private void CheckStops(IReadOnlyList<string> stops, ViolationList violations)
    {
        if (stops.Count > options.Value.StopsMax)
            violations.Add("stop", $"must hold at most {options.Value.StopsMax} strings (it holds {stops.Count})",
                ViolationReason.ListTooLong);
        for (var index = 0; index < stops.Count; index++)
        {
            if (stops[index].Length == 0)
                violations.Add($"stop[{index}]", "must not be empty", ViolationReason.TextTooShort);
            if (stops[index].Length > options.Value.StopCharactersMax)
                violations.Add($"stop[{index}]",
                    $"must have at most {options.Value.StopCharactersMax} characters (it has {stops[index].Length})",
                    ViolationReason.TextTooLong);
        }
    }

    private void CheckSampling(SamplingSettings sampling, ViolationList violations)
    {
        CheckRange("temperature", sampling.Temperature, 0, 100, violations);
        CheckRange("top_p", sampling.TopP, 0, 1, violations);
        CheckRange("min_p", sampling.MinP, 0, 1, violations);
        CheckRange("typical_p", sampling.TypicalP, 0, 1, violations);
        CheckRange("presence_penalty", sampling.PresencePenalty, -2, 2, violations);
        CheckRange("frequency_penalty", sampling.FrequencyPenalty, -2, 2, violations);
        if (sampling.RepetitionPenalty is { } penalty && !(penalty > 0 && penalty <= 100))
            violations.Add("sampling.repetition_penalty", $"must be greater than 0 and at most 100 (it is {Text(penalty)})",
                penalty > 100 ? ViolationReason.NumberTooLarge : ViolationReason.NumberTooSmall);
        foreach (var (id, bias) in sampling.LogitBias)
            CheckRange($"logit_bias[{id}]", bias, -100, 100, violations);
        // A prompt that is judged needs no answer.
        if (sampling.MaxTokens == 0 && sampling.PromptLogprobs is null)
            violations.Add("sampling.max_tokens", "must be at least 1 (it is 0)", ViolationReason.IntegerTooSmall);
        if (sampling.MinTokens > sampling.MaxTokens)
            violations.Add("sampling.min_tokens", $"must not exceed max_tokens ({sampling.MinTokens} > {sampling.MaxTokens})");
        if (sampling.TopLogprobs > options.Value.TopLogprobsMax)
            violations.Add("sampling.top_logprobs", $"must be at most {options.Value.TopLogprobsMax} (it is {sampling.TopLogprobs})",
                ViolationReason.IntegerTooLarge);
        if (sampling.TopLogprobs > 0 && sampling.Logprobs != true)
            violations.Add("sampling.top_logprobs", "needs logprobs to be true");
        if (sampling.PromptLogprobs > options.Value.TopLogprobsMax)
            violations.Add("sampling.prompt_logprobs",
                $"must be at most {options.Value.TopLogprobsMax} (it is {sampling.PromptLogprobs})", ViolationReason.IntegerTooLarge);
        ProcessorRules.Check(sampling.Processors, violations);
        if (sampling.TraceCandidates > options.Value.CandidatesMax)
            violations.Add("sampling.trace_candidates",
                $"must be at most {options.Value.CandidatesMax} (it is {sampling.TraceCandidates})", ViolationReason.IntegerTooLarge);
    }

    internal static void CheckRange(string name, float? value, float least, float most, ViolationList violations)
    {
        // Written so that NaN, which compares false with everything, is refused.
        if (value is { } number && !(number >= least && number <= most))
            violations.Add($"sampling.{name}", $"must be between {Text(least)} and {Text(most)} (it is {Text(number)})",
                number > most ? ViolationReason.NumberTooLarge
                : number < least ? ViolationReason.NumberTooSmall : ViolationReason.Value);
    }

    private static void CheckObject(string field, string json, bool optional, ViolationList violations)
    {
        if (optional && json.Length == 0)
            return;
        if (JsonText.FaultOf(json) is { } fault)
            violations.Add(field, fault);
    }

    private static string Text(float value) => value.ToString(CultureInfo.InvariantCulture);
}

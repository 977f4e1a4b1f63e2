using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// The body of a chat completion. A value that asks for nothing is never a fault; a known field that could change the text and is not
/// supported is refused by name; one that nobody knows is refused or told, by setting. Nothing is ignored in silence.
/// </summary>
internal sealed class ChatCompletionRequestReader
{
    private readonly UnknownFields _unknown;
    private readonly RequestFields _fields = new();
    private readonly SamplingFields _sampling;
    private readonly ThinkingFields _thinking;
    private readonly GuideFields _guide;
    private readonly ToolChoiceField _toolChoice;
    private readonly AnswerFields _answer;
    private Conversation _conversation = new() { Messages = [] };
    private string _model = "";
    private bool _parallelCalls = true;

    public ChatCompletionRequestReader(UnknownFields unknown)
    {
        _unknown = unknown;
        _sampling = new SamplingFields(_fields);
        _thinking = new ThinkingFields(_fields);
        _guide = new GuideFields(_fields);
        _toolChoice = new ToolChoiceField(_fields);
        _answer = new AnswerFields(_fields, ReadUnknown);
    }

    /// <summary>Every fault of the fields' types and names; their values are the pipeline's to judge.</summary>
    public ViolationList Violations => _fields.Violations;

    /// <summary>Fields that were read over and that the answer names.</summary>
    public IReadOnlyCollection<string> Ignored => _fields.Ignored;

    public ChatCompletionRequest Read(JsonElement body, string requestId, DateTimeOffset deadline)
    {
        foreach (var (name, field, value) in _fields.Settings(body))
            ReadField(name, field, value);

        var sampling = _sampling.Settle(_answer.Choices) with { Guide = _guide.Guide };
        // As in vLLM: there is no chunk that they belong to.
        if (_answer.Stream && sampling.PromptLogprobs is not null)
            _fields.Refuse("prompt_logprobs", "are part of a whole answer: they contradict stream");
        var chat = new ChatRequest
        {
            RequestId = requestId,
            Model = _model,
            Conversation = _conversation with
            {
                ToolsJson = _toolChoice.Choice == ToolChoice.None ? [] : _conversation.ToolsJson,
                TemplateArgumentsJson = _thinking.Over(_conversation.TemplateArgumentsJson),
            },
            Sampling = sampling,
            Varied = _sampling.IsVaried,
            ToolChoice = _toolChoice.Choice,
            ToolName = _toolChoice.Name,
            AllowedTools = _toolChoice.Allowed,
            ReasoningTokensMax = _thinking.TokensMax,
            ReasoningField = _thinking.TokensField,
            FieldsAsSent = _fields.AsSent(),
            ParallelToolCalls = _parallelCalls,
            Stop = _answer.Stop,
            IncludeStop = _answer.IncludeStop,
            Choices = _answer.Choices,
            TokenPieces = true,
            Deadline = deadline,
        };
        return new ChatCompletionRequest(chat, _answer.Stream, _answer.IncludeUsage);
    }

    private void ReadField(string name, string field, JsonElement value)
    {
        var setting = FieldAliases.SettingOf(name);
        if (TryReadChat(setting, field, value) || _answer.TryRead(setting, field, value) || _sampling.TryRead(setting, field, value)
            || _thinking.TryRead(setting, field, value) || _guide.TryRead(setting, field, value)
            || OtherFields.TryRead(setting, field, value, _fields))
        {
            return;
        }

        ReadUnknown(field);
    }

    private bool TryReadChat(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "model":
                _model = _fields.Text(field, value) ?? "";
                return true;
            case "messages":
                _conversation = _conversation with
                {
                    Messages = [.. _fields.Items(field, value).Select(item => MessageReader.Read(item.Field, item.Value, _fields))],
                };
                return true;
            case "tools":
                _conversation = _conversation with
                {
                    ToolsJson =
                        [.. _fields.Items(field, value).Select(item => ToolReader.Read(item.Field, item.Value, _fields)).OfType<string>()],
                };
                return true;
            case "documents":
                _conversation = _conversation with
                {
                    DocumentsJson = [.. _fields.Items(field, value)
                        .Select(item => _fields.ObjectText(item.Field, item.Value)).OfType<string>()],
                };
                return true;
            case "tool_choice":
                _toolChoice.Read(field, value);
                return true;
            case "parallel_tool_calls":
                _parallelCalls = _fields.Flag(field, value) ?? true;
                return true;
            case "chat_template_kwargs":
                _conversation = _conversation with { TemplateArgumentsJson = _fields.ObjectText(field, value) ?? "" };
                return true;
            case "add_generation_prompt":
                _conversation = _conversation with { AddGenerationPrompt = _fields.Flag(field, value) };
                return true;
            case "continue_final_message":
                _conversation = _conversation with { ContinueFinalMessage = _fields.Flag(field, value) ?? false };
                return true;
            default:
                return false;
        }
    }

    private void ReadUnknown(string field)
    {
        if (_unknown == UnknownFields.Refuse)
            _fields.Refuse(field, "is unknown", ViolationReason.Unknown);
        else
            _fields.Ignore(field);
    }
}

using Microsoft.Extensions.AI;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Parley.Client.Requests;

/// <summary>
/// A conversation and its options as a request of the contract. What the options ask for and the contract lacks is refused by name; a hint
/// that changes no answer is left out. What <see cref="ChatOptions.RawRepresentationFactory"/> has set wins.
/// </summary>
internal sealed class RequestWriter
{
    private const string AnyObject = """{"type":"object"}""";

    private readonly ViolationList _violations = new();
    private readonly ParleyClientOptions _client;
    private readonly ChatOptions _options;
    private readonly CompleteRequest _request;

    private RequestWriter(ParleyClientOptions client, ChatOptions options, CompleteRequest request)
    {
        (_client, _options, _request) = (client, options, request);
        _request.Chat ??= new Chat();
        _request.Sampling ??= new SamplingParameters();
    }

    /// <exception cref="ParleyRequestException">The request cannot be done; all that is wrong with it.</exception>
    public static ChatCall Write(
        IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient self, ParleyClientOptions client, string newRequestId)
    {
        var given = (options?.RawRepresentationFactory?.Invoke(self) as CompleteRequest)?.Clone();
        var writer = new RequestWriter(client, options ?? new ChatOptions(), given ?? new CompleteRequest());
        return writer.Write(messages, newRequestId);
    }

    private ChatCall Write(IEnumerable<ChatMessage> messages, string newRequestId)
    {
        CheckRaw();
        if (_request.Model.Length == 0)
            _request.Model = _options.ModelId ?? _client.ModelId ?? "";
        WriteMessages(messages);
        WriteSampling();
        WriteTools();
        var properties = new PropertyWriter(_request, _violations, _client.UnknownProperties);
        WriteFormat(properties.IsStrict(_options.AdditionalProperties));
        ThinkingWriter.Write(_options.Reasoning?.Effort, _request.Chat);
        properties.Write(_options.AdditionalProperties);
        RefuseWhatIsNotThere();
        _violations.ThrowIfAny();
        if (_request.RequestId.Length == 0)
            _request.RequestId = newRequestId;
        return new ChatCall(_request, properties.Timeout ?? _client.Timeout);
    }

    private void CheckRaw()
    {
        if (_request.Chat.Messages.Count > 0)
            _violations.Add("ChatOptions.RawRepresentationFactory", "must leave chat.messages empty: the messages are those of the call");
        if (_request is { HasN: true, N: not 1 })
            _violations.Add("ChatOptions.RawRepresentationFactory", $"must leave n at 1: there is one answer here (it is {_request.N})");
    }

    private void WriteMessages(IEnumerable<ChatMessage> messages)
    {
        var writer = new MessageWriter(_violations);
        if (_options.Instructions is { Length: > 0 } instructions)
            _request.Chat.Messages.Add(new Tokenizer.V1.ChatMessage { Role = ChatRole.System.Value, Content = instructions });
        var index = 0;
        foreach (var message in messages)
            _request.Chat.Messages.Add(writer.Write($"messages[{index++}]", message));
    }

    private void WriteSampling()
    {
        var sampling = _request.Sampling;
        if (!sampling.HasTemperature && _options.Temperature is { } temperature)
            sampling.Temperature = temperature;
        if (!sampling.HasTopP && _options.TopP is { } topP)
            sampling.TopP = topP;
        if (!sampling.HasTopK && Count("TopK", _options.TopK) is { } topK)
            sampling.TopK = topK;
        if (!sampling.HasMaxTokens && Count("MaxOutputTokens", _options.MaxOutputTokens) is { } maxTokens)
            sampling.MaxTokens = maxTokens;
        if (!sampling.HasFrequencyPenalty && _options.FrequencyPenalty is { } frequency)
            sampling.FrequencyPenalty = frequency;
        if (!sampling.HasPresencePenalty && _options.PresencePenalty is { } presence)
            sampling.PresencePenalty = presence;
        // A negative seed is another one, as over HTTP.
        if (!sampling.HasSeed && _options.Seed is { } seed)
            sampling.Seed = unchecked((ulong)seed);
        if (_request.Stop.Count == 0 && _options.StopSequences is { } stops)
            _request.Stop.Add(stops);
    }

    private void WriteTools()
    {
        if (_options.Tools is not { Count: > 0 } tools || _options.ToolMode is NoneChatToolMode || _request.Chat.ToolsJson.Count > 0)
            return;
        for (var i = 0; i < tools.Count; i++)
        {
            if (tools[i] is AIFunctionDeclaration function)
                _request.Chat.ToolsJson.Add(ToolJson.Write(function));
            else
                _violations.Add($"ChatOptions.Tools[{i}]", $"is a {tools[i].GetType().Name}; only functions are supported");
        }

        if (_request.ToolChoice is null && _options.ToolMode is RequiredChatToolMode required)
        {
            _request.ToolChoice = required.RequiredFunctionName is { } name
                ? new ToolChoice { Mode = ToolChoice.Types.Mode.Named, Name = name }
                : new ToolChoice { Mode = ToolChoice.Types.Mode.Required };
        }

        if (!_request.HasParallelToolCalls && _options.AllowMultipleToolCalls is { } isParallel)
            _request.ParallelToolCalls = isParallel;
    }

    private void WriteFormat(bool strict)
    {
        if (_options.ResponseFormat is not ChatResponseFormatJson format || _request.Sampling.Guide is not null)
            return;
        var schema = format.Schema is not { } given ? AnyObject : (strict ? ClosedSchema.Of(given) : given).GetRawText();
        _request.Sampling.Guide = new Guide { JsonSchema = schema };
    }

    private void RefuseWhatIsNotThere()
    {
        if (_options.ConversationId is { Length: > 0 })
            _violations.Add("ChatOptions.ConversationId", "is not supported: the server keeps no conversations; send all messages");
        if (_options.ContinuationToken is not null)
            _violations.Add("ChatOptions.ContinuationToken", "is not supported: an answer that was left cannot be taken up again");
    }

    private uint? Count(string name, int? value)
    {
        if (value is >= 0)
            return (uint)value;
        if (value is { } number)
            _violations.Add($"ChatOptions.{name}", $"must not be negative (it is {number})");
        return null;
    }
}

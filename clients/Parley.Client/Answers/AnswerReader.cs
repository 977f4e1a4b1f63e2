using Microsoft.Extensions.AI;
using Parley.Gateway.V1;

namespace Parley.Client.Answers;

/// <summary>
/// The events of one answer as updates: reasoning and text as they come, then one with the calls, the finish reason, the usage and how it
/// ended.
/// </summary>
internal sealed class AnswerReader(string requestId, TimeProvider time)
{
    private AcceptedEvent? _accepted;
    private DateTimeOffset _createdAt;
    private ChoiceFinishedEvent? _finished;
    private ToolCallList _calls = new();

    /// <summary>The last event, with what it cost; null until it came.</summary>
    public CompletedEvent? Completed { get; private set; }

    /// <summary>The update that an event is; null where it is none.</summary>
    public ChatResponseUpdate? Read(CompleteResponse response)
    {
        switch (response.EventCase)
        {
            case CompleteResponse.EventOneofCase.Accepted:
                (_accepted, _finished, _createdAt, _calls) = (response.Accepted, null, time.GetUtcNow(), new ToolCallList());
                return null;
            case CompleteResponse.EventOneofCase.Delta:
                foreach (var call in response.Delta.ToolCalls)
                    _calls.Add(call);
                return Update(response, ContentsOf(response.Delta));
            case CompleteResponse.EventOneofCase.ChoiceFinished:
                _finished = response.ChoiceFinished;
                return null;
            case CompleteResponse.EventOneofCase.Completed:
                Completed = response.Completed;
                var update = Update(response, [.. _calls.Read(), new UsageContent(UsageOf(response.Completed))]);
                update.FinishReason = ReasonOf(_finished?.Reason);
                update.AdditionalProperties = Ending(_finished);
                return update;
            default:
                // Progress, and what a newer server may tell.
                return null;
        }
    }

    private ChatResponseUpdate Update(CompleteResponse response, IList<AIContent> contents) => new(ChatRole.Assistant, contents)
    {
        ResponseId = _accepted?.RequestId ?? requestId,
        MessageId = _accepted?.RequestId ?? requestId,
        ModelId = _accepted?.Model,
        CreatedAt = _createdAt,
        RawRepresentation = response,
    };

    private static List<AIContent> ContentsOf(DeltaEvent delta)
    {
        var contents = new List<AIContent>(1);
        if (delta.Reasoning.Length > 0)
            contents.Add(new TextReasoningContent(delta.Reasoning));
        if (delta.Text.Length > 0)
            contents.Add(new TextContent(delta.Text));
        return contents;
    }

    private static UsageDetails UsageOf(CompletedEvent completed)
    {
        var usage = completed.Usage ?? new Generator.V1.Usage();
        return new UsageDetails
        {
            InputTokenCount = usage.PromptTokens,
            CachedInputTokenCount = usage.CachedTokens,
            OutputTokenCount = usage.CompletionTokens,
            ReasoningTokenCount = completed.ReasoningTokens,
            TotalTokenCount = (long)usage.PromptTokens + usage.CompletionTokens,
        };
    }

    private static ChatFinishReason? ReasonOf(FinishReason? reason) => reason switch
    {
        FinishReason.Stop => ChatFinishReason.Stop,
        FinishReason.Length => ChatFinishReason.Length,
        FinishReason.ToolCalls => ChatFinishReason.ToolCalls,
        _ => null,
    };

    private static AdditionalPropertiesDictionary? Ending(ChoiceFinishedEvent? finished)
    {
        if (finished is null)
            return null;
        var ending = new AdditionalPropertiesDictionary { [ParleyProperties.Seed] = finished.Seed };
        if (finished.HasStop)
            ending[ParleyProperties.Stop] = finished.Stop;
        if (finished.HasStopTokenId)
            ending[ParleyProperties.StopTokenId] = finished.StopTokenId;
        return ending;
    }
}

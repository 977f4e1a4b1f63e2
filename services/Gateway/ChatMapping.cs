using Parley.Gateway.Chat;
using Parley.Gateway.V1;
using GeneratorProto = Parley.Generator.V1;
using TokenizerProto = Parley.Tokenizer.V1;

namespace Parley.Gateway;

/// <summary>The gRPC contract to the Gateway's own terms and back; no logic.</summary>
internal static class ChatMapping
{
    public static ChatRequest ToDomain(CompleteRequest request, string requestId, DateTimeOffset? deadline) => new()
    {
        RequestId = requestId,
        Model = request.Model,
        Conversation = ToDomain(request.Chat ?? new TokenizerProto.Chat()),
        Sampling = ToDomain(request.Sampling ?? new GeneratorProto.SamplingParameters()),
        Stop = request.Stop,
        IncludeStop = request.IncludeStop,
        ToolChoice = request.ToolChoice?.Mode switch
        {
            V1.ToolChoice.Types.Mode.None => Chat.ToolChoice.None,
            V1.ToolChoice.Types.Mode.Required => Chat.ToolChoice.Required,
            V1.ToolChoice.Types.Mode.Named => Chat.ToolChoice.Named,
            _ => Chat.ToolChoice.Auto,
        },
        ToolName = request.ToolChoice?.Name ?? "",
        ReasoningTokensMax = request.HasReasoningTokensMax ? request.ReasoningTokensMax : null,
        ParallelToolCalls = !request.HasParallelToolCalls || request.ParallelToolCalls,
        Choices = request.HasN ? request.N : 1,
        Deadline = deadline,
    };

    public static CompleteResponse ToProto(ChatUpdate update)
    {
        switch (update)
        {
            case ChatUpdate.Accepted accepted:
                return new CompleteResponse
                {
                    Accepted = new AcceptedEvent
                    {
                        RequestId = accepted.RequestId,
                        Model = accepted.Model,
                        PromptTokens = accepted.PromptTokens,
                        UnassertedFormats = { accepted.UnassertedFormats },
                    },
                };
            case ChatUpdate.Progress progress:
                return new CompleteResponse
                {
                    Progress = new ProgressEvent
                    {
                        Choice = progress.Choice,
                        QueuePosition = progress.QueuePosition,
                        PromptTokensDone = progress.PromptTokensDone,
                    },
                };
            case ChatUpdate.Delta delta:
                return new CompleteResponse { Delta = ToProto(delta) };
            case ChatUpdate.PromptLogprobs judged:
                return new CompleteResponse { PromptLogprobs = ToProto(judged) };
            case ChatUpdate.ChoiceFinished finished:
                return new CompleteResponse { ChoiceFinished = ToProto(finished) };
            case ChatUpdate.Completed completed:
                return new CompleteResponse
                {
                    Completed = new CompletedEvent
                    {
                        Usage = ToProto(completed.Usage),
                        Timings = ToProto(completed.Timings),
                        ReasoningTokens = completed.Usage.ReasoningTokens,
                    },
                };
            case ChatUpdate.Failed { Error: var error }:
                return new CompleteResponse
                {
                    Failed = new FailedEvent { Code = error.Code, Message = error.Message, Retryable = error.Retryable },
                };
            default:
                throw new InvalidOperationException($"No message for {update.GetType().Name}.");
        }
    }

    public static FinishReason ToProto(ChatFinishReason reason) => reason switch
    {
        ChatFinishReason.Length => FinishReason.Length,
        ChatFinishReason.ToolCalls => FinishReason.ToolCalls,
        _ => FinishReason.Stop,
    };

    public static GeneratorProto.Usage ToProto(ChatUsage usage) =>
        new() { PromptTokens = usage.PromptTokens, CachedTokens = usage.CachedTokens, CompletionTokens = usage.CompletionTokens };

    public static V1.ChatTimings ToProto(Chat.ChatTimings timings) => new()
    {
        TemplateNanoseconds = Nanoseconds(timings.Template),
        EncodeNanoseconds = Nanoseconds(timings.Encode),
        QueueNanoseconds = Nanoseconds(timings.Queue),
        PrefillNanoseconds = Nanoseconds(timings.Prefill),
        DecodeNanoseconds = Nanoseconds(timings.Decode),
        TotalNanoseconds = Nanoseconds(timings.Total),
        Resumes = timings.Resumes,
        InexactResumes = timings.InexactResumes,
    };

    public static TokenizerProto.TokenPiece ToProto(TokenPiece piece) => new()
    {
        Id = piece.Id,
        Token = piece.Token,
        Text = piece.Text,
        Utf8 = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(piece.Utf8),
        Special = piece.Special,
        DroppedAtStart = (uint)piece.DroppedAtStart,
    };

    public static GeneratorProto.TokenTrace ToProto(TokenTrace trace)
    {
        var proto = new GeneratorProto.TokenTrace();
        foreach (var candidate in trace.Candidates)
        {
            var one = new GeneratorProto.TraceCandidate { Id = candidate.Id, Logit = candidate.Logit };
            one.Stages.AddRange(candidate.Stages.Select(stage =>
                new GeneratorProto.StageProbability { Stage = stage.Name, Probability = stage.Probability }));
            proto.Candidates.Add(one);
        }

        return proto;
    }

    private static DeltaEvent ToProto(ChatUpdate.Delta delta)
    {
        var proto = new DeltaEvent { Choice = delta.Choice, Text = delta.Text, Reasoning = delta.Reasoning };
        proto.ToolCalls.AddRange(delta.Calls.Select(call => new ToolCallDelta
        {
            Index = (uint)call.Index,
            Id = call.Id ?? "",
            Name = call.Name ?? "",
            Arguments = call.Arguments,
            Dropped = call.IsDropped,
        }));
        proto.Ids.AddRange(delta.Ids.ToArray());
        foreach (var token in delta.Logprobs)
        {
            var one = new GeneratorProto.TokenLogprobs { Logprob = token.Logprob };
            one.Top.AddRange(token.Top.Select(top => new GeneratorProto.TokenLogprob { Id = top.Id, Logprob = top.Logprob }));
            proto.Logprobs.Add(one);
        }

        return proto;
    }

    private static PromptLogprobsEvent ToProto(ChatUpdate.PromptLogprobs judged)
    {
        var proto = new PromptLogprobsEvent { Start = judged.Start };
        proto.Ids.AddRange(judged.Ids);
        foreach (var token in judged.Tokens)
        {
            var one = new GeneratorProto.PromptTokenLogprobs { Logprob = token.Logprob, Rank = token.Rank };
            one.Top.AddRange(token.Top.Select(top => new GeneratorProto.TokenLogprob { Id = top.Id, Logprob = top.Logprob }));
            proto.Tokens.Add(one);
        }

        return proto;
    }

    private static ChoiceFinishedEvent ToProto(ChatUpdate.ChoiceFinished finished)
    {
        var proto = new ChoiceFinishedEvent { Choice = finished.Choice, Reason = ToProto(finished.Reason), Seed = finished.Seed };
        if (finished.Stop is not null)
            proto.Stop = finished.Stop;
        if (finished.StopTokenId is { } id)
            proto.StopTokenId = id;
        return proto;
    }

    private static Conversation ToDomain(TokenizerProto.Chat chat) => new()
    {
        Messages = [.. chat.Messages.Select(ToDomain)],
        ToolsJson = chat.ToolsJson,
        DocumentsJson = chat.DocumentsJson,
        EmptyToolsList = chat.EmptyToolsList,
        EmptyDocumentsList = chat.EmptyDocumentsList,
        AddGenerationPrompt = chat.HasAddGenerationPrompt ? chat.AddGenerationPrompt : null,
        ContinueFinalMessage = chat.ContinueFinalMessage,
        TemplateArgumentsJson = chat.TemplateArgumentsJson,
        TemplateName = chat.TemplateName,
        SpecialTokensInContent = chat.SpecialTokensInContent switch
        {
            TokenizerProto.SpecialTokensInContent.Text => SpecialTokenTreatment.Text,
            TokenizerProto.SpecialTokensInContent.Parse => SpecialTokenTreatment.Parse,
            TokenizerProto.SpecialTokensInContent.Reject => SpecialTokenTreatment.Reject,
            _ => SpecialTokenTreatment.ServiceDefault,
        },
    };

    private static ChatMessage ToDomain(TokenizerProto.ChatMessage message) => new()
    {
        Role = message.Role,
        Content = message.HasContent ? message.Content : null,
        Parts = [.. message.Parts.Where(part => !IsImage(part)).Select(part => part.Text)],
        ImageParts = [.. message.Parts.Index().Where(part => IsImage(part.Item)).Select(part => part.Index)],
        Name = message.HasName ? message.Name : null,
        ToolCallId = message.HasToolCallId ? message.ToolCallId : null,
        ToolCalls = [.. message.ToolCalls.Select(call => new ChatToolCall(call.Id, call.Name, call.ArgumentsJson))],
        ReasoningContent = message.HasReasoningContent ? message.ReasoningContent : null,
        ExtraJson = message.ExtraJson,
    };

    private static bool IsImage(TokenizerProto.ContentPart part) => part.PartCase == TokenizerProto.ContentPart.PartOneofCase.Image;

    private static SamplingSettings ToDomain(GeneratorProto.SamplingParameters proto) => Upstream.ProtoMapping.ToDomain(proto);

    private static ulong Nanoseconds(TimeSpan duration) => (ulong)Math.Max(0, duration.Ticks) * 100;
}

using Google.Protobuf.Collections;
using Parley.Gateway.Chat;
using GeneratorProto = Parley.Generator.V1;
using TokenizerProto = Parley.Tokenizer.V1;

namespace Parley.Gateway.Upstream;

/// <summary>Domain to proto and back, for both clients.</summary>
internal static class ProtoMapping
{
    public static TokenizerProto.Chat ToProto(Conversation conversation)
    {
        var chat = new TokenizerProto.Chat
        {
            ContinueFinalMessage = conversation.ContinueFinalMessage,
            TemplateArgumentsJson = conversation.TemplateArgumentsJson,
            TemplateName = conversation.TemplateName,
            EmptyToolsList = conversation.EmptyToolsList,
            EmptyDocumentsList = conversation.EmptyDocumentsList,
            SpecialTokensInContent = conversation.SpecialTokensInContent switch
            {
                SpecialTokenTreatment.Text => TokenizerProto.SpecialTokensInContent.Text,
                SpecialTokenTreatment.Parse => TokenizerProto.SpecialTokensInContent.Parse,
                SpecialTokenTreatment.Reject => TokenizerProto.SpecialTokensInContent.Reject,
                _ => TokenizerProto.SpecialTokensInContent.Unspecified,
            },
        };
        if (conversation.AddGenerationPrompt is { } addGenerationPrompt)
            chat.AddGenerationPrompt = addGenerationPrompt;
        chat.ToolsJson.AddRange(conversation.ToolsJson);
        chat.DocumentsJson.AddRange(conversation.DocumentsJson);
        chat.Messages.AddRange(conversation.Messages.Select(ToProto));
        return chat;
    }

    public static GeneratorProto.SamplingParameters ToProto(SamplingSettings settings)
    {
        var proto = new GeneratorProto.SamplingParameters();
        if (settings.Temperature is { } temperature)
            proto.Temperature = temperature;
        if (settings.TopK is { } topK)
            proto.TopK = topK;
        if (settings.TopP is { } topP)
            proto.TopP = topP;
        if (settings.MinP is { } minP)
            proto.MinP = minP;
        if (settings.TypicalP is { } typicalP)
            proto.TypicalP = typicalP;
        if (settings.RepetitionPenalty is { } repetitionPenalty)
            proto.RepetitionPenalty = repetitionPenalty;
        if (settings.PresencePenalty is { } presencePenalty)
            proto.PresencePenalty = presencePenalty;
        if (settings.FrequencyPenalty is { } frequencyPenalty)
            proto.FrequencyPenalty = frequencyPenalty;
        if (settings.NoRepeatNgramSize is { } noRepeatNgramSize)
            proto.NoRepeatNgramSize = noRepeatNgramSize;
        if (settings.Seed is { } seed)
            proto.Seed = seed;
        if (settings.MaxTokens is { } maxTokens)
            proto.MaxTokens = maxTokens;
        if (settings.MinTokens is { } minTokens)
            proto.MinTokens = minTokens;
        if (settings.IgnoreEos is { } ignoreEos)
            proto.IgnoreEos = ignoreEos;
        if (settings.Logprobs is { } logprobs)
            proto.Logprobs = logprobs;
        if (settings.TopLogprobs is { } topLogprobs)
            proto.TopLogprobs = topLogprobs;
        if (settings.TraceCandidates is { } traceCandidates)
            proto.TraceCandidates = traceCandidates;
        if (settings.Priority is { } priority)
            proto.Priority = priority;
        if (settings.DraftTokens is { } draftTokens)
            proto.DraftTokens = draftTokens;
        if (settings.PromptLogprobs is { } promptLogprobs)
            proto.PromptLogprobs = promptLogprobs;
        proto.Processors = ProcessorMapping.ToProto(settings.Processors);
        proto.ReasoningBudget = ProcessorMapping.ToProto(settings.Reasoning);
        foreach (var (id, bias) in settings.LogitBias)
            proto.LogitBias[id] = bias;
        proto.AllowedTokenIds.AddRange(settings.AllowedTokenIds);
        proto.BannedTokenIds.AddRange(settings.BannedTokenIds);
        proto.StopTokenIds.AddRange(settings.StopTokenIds);
        proto.Guide = settings.Guide switch
        {
            { Kind: GuideKind.JsonSchema } guide => new GeneratorProto.Guide { JsonSchema = guide.Texts[0] },
            { Kind: GuideKind.Regex } guide => new GeneratorProto.Guide { Regex = guide.Texts[0] },
            { Kind: GuideKind.Grammar } guide => new GeneratorProto.Guide
            {
                Grammar = guide.Texts[0],
                GrammarSyntax = (GeneratorProto.GrammarSyntax)guide.Syntax,
            },
            { Kind: GuideKind.StructuralTag } guide => new GeneratorProto.Guide { StructuralTag = guide.Texts[0] },
            { } guide => new GeneratorProto.Guide { Choice = new GeneratorProto.GuideChoice { Texts = { guide.Texts } } },
            null => null,
        };
        return proto;
    }

    /// <summary>Unset stays null.</summary>
    public static SamplingSettings ToDomain(GeneratorProto.SamplingParameters proto) => new()
    {
        Temperature = proto.HasTemperature ? proto.Temperature : null,
        TopK = proto.HasTopK ? proto.TopK : null,
        TopP = proto.HasTopP ? proto.TopP : null,
        MinP = proto.HasMinP ? proto.MinP : null,
        TypicalP = proto.HasTypicalP ? proto.TypicalP : null,
        RepetitionPenalty = proto.HasRepetitionPenalty ? proto.RepetitionPenalty : null,
        PresencePenalty = proto.HasPresencePenalty ? proto.PresencePenalty : null,
        FrequencyPenalty = proto.HasFrequencyPenalty ? proto.FrequencyPenalty : null,
        NoRepeatNgramSize = proto.HasNoRepeatNgramSize ? proto.NoRepeatNgramSize : null,
        MaxTokens = proto.HasMaxTokens ? proto.MaxTokens : null,
        MinTokens = proto.HasMinTokens ? proto.MinTokens : null,
        IgnoreEos = proto.HasIgnoreEos ? proto.IgnoreEos : null,
        Seed = proto.HasSeed ? proto.Seed : null,
        Logprobs = proto.HasLogprobs ? proto.Logprobs : null,
        TopLogprobs = proto.HasTopLogprobs ? proto.TopLogprobs : null,
        TraceCandidates = proto.HasTraceCandidates ? proto.TraceCandidates : null,
        Priority = proto.HasPriority ? proto.Priority : null,
        DraftTokens = proto.HasDraftTokens ? proto.DraftTokens : null,
        Processors = ProcessorMapping.ToDomain(proto.Processors),
        Reasoning = ProcessorMapping.ToDomain(proto.ReasoningBudget),
        PromptLogprobs = proto.HasPromptLogprobs ? proto.PromptLogprobs : null,
        LogitBias = proto.LogitBias,
        AllowedTokenIds = proto.AllowedTokenIds,
        BannedTokenIds = proto.BannedTokenIds,
        StopTokenIds = proto.StopTokenIds,
        Guide = proto.Guide?.ConstraintCase switch
        {
            GeneratorProto.Guide.ConstraintOneofCase.JsonSchema =>
                new ChatGuide(GuideKind.JsonSchema, [proto.Guide.JsonSchema], "sampling.guide.json_schema"),
            GeneratorProto.Guide.ConstraintOneofCase.Regex => new ChatGuide(GuideKind.Regex, [proto.Guide.Regex], "sampling.guide.regex"),
            GeneratorProto.Guide.ConstraintOneofCase.Grammar =>
                new ChatGuide(GuideKind.Grammar, [proto.Guide.Grammar], "sampling.guide.grammar")
                {
                    Syntax = (GrammarSyntax)proto.Guide.GrammarSyntax,
                },
            GeneratorProto.Guide.ConstraintOneofCase.StructuralTag =>
                new ChatGuide(GuideKind.StructuralTag, [proto.Guide.StructuralTag], "sampling.guide.structural_tag"),
            GeneratorProto.Guide.ConstraintOneofCase.Choice =>
                new ChatGuide(GuideKind.Choice, proto.Guide.Choice.Texts, "sampling.guide.choice"),
            _ => null,
        },
    };

    public static IReadOnlyList<TokenPiece> ToDomain(RepeatedField<TokenizerProto.TokenPiece> pieces)
    {
        var result = new TokenPiece[pieces.Count];
        for (var index = 0; index < result.Length; index++)
        {
            var piece = pieces[index];
            result[index] = new TokenPiece(piece.Id, piece.Token, piece.Text, piece.Utf8.Memory, piece.Special, (int)piece.DroppedAtStart);
        }

        return result;
    }

    public static IReadOnlyList<TokenLogprobs> ToDomain(RepeatedField<GeneratorProto.TokenLogprobs> logprobs) => logprobs.Count == 0
        ? []
        : [.. logprobs.Select(
            one => new TokenLogprobs(one.Logprob, [.. one.Top.Select(top => new TokenLogprobs.Candidate(top.Id, top.Logprob))]))];

    public static PromptTokenLogprobs ToDomain(GeneratorProto.PromptTokenLogprobs token) => new(
        token.Logprob, token.Rank, [.. token.Top.Select(top => new TokenLogprobs.Candidate(top.Id, top.Logprob))]);

    public static IReadOnlyList<TokenTrace> ToDomain(RepeatedField<GeneratorProto.TokenTrace> traces) => traces.Count == 0
        ? []
        : [.. traces.Select(trace => new TokenTrace([.. trace.Candidates.Select(ToDomain)]))];

    public static TimeSpan FromNanoseconds(ulong nanoseconds) => TimeSpan.FromTicks((long)(nanoseconds / 100));

    private static TokenTrace.Candidate ToDomain(GeneratorProto.TraceCandidate candidate) =>
        new(candidate.Id, candidate.Logit, [.. candidate.Stages.Select(stage => new TokenTrace.Stage(stage.Stage, stage.Probability))]);

    private static TokenizerProto.ChatMessage ToProto(ChatMessage message)
    {
        var proto = new TokenizerProto.ChatMessage { Role = message.Role, ExtraJson = message.ExtraJson };
        if (message.Content is not null)
            proto.Content = message.Content;
        if (message.Name is not null)
            proto.Name = message.Name;
        if (message.ToolCallId is not null)
            proto.ToolCallId = message.ToolCallId;
        if (message.ReasoningContent is not null)
            proto.ReasoningContent = message.ReasoningContent;
        proto.Parts.AddRange(message.Parts.Select(text => new TokenizerProto.ContentPart { Text = text }));
        proto.ToolCalls.AddRange(message.ToolCalls.Select(call =>
            new TokenizerProto.ToolCall { Id = call.Id, Name = call.Name, ArgumentsJson = call.ArgumentsJson }));
        return proto;
    }
}

using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Parley.Gateway.Balancing;
using Parley.Gateway.Chat;
using Parley.Gateway.Responses.Tags;
using Parley.Generator.V1;

namespace Parley.Gateway.Upstream;

/// <summary>A Generator, in the Gateway's own terms. Every fault is a <see cref="ChatException"/> that names the service.</summary>
internal sealed class GeneratorClient(UpstreamService service, GrpcChannel channel)
{
    private readonly Generation.GenerationClient _client = new(channel);
    private readonly Adapters.AdaptersClient _adapters = new(channel);

    public async Task<GeneratorDescription> DescribeAsync(DateTime? deadline, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await _client.DescribeAsync(new DescribeRequest(), deadline: deadline, cancellationToken: cancellationToken);
            return new GeneratorDescription(
                reply.Model, reply.TokenizerSha256, reply.PackageSha256, reply.Precision, reply.Device, reply.ContextTokensMax,
                ProtoMapping.ToDomain(reply.DefaultSampling ?? new SamplingParameters()), [.. reply.DefaultStopStrings])
            {
                Aliases = [.. reply.ModelAliases],
                WithoutVision = reply.WithoutVision,
                Architecture = reply.Architecture,
                Parameters = reply.Parameters,
                DraftTokensMax = reply.DraftTokensMax,
                VocabularySize = reply.VocabularySize,
                CompletionTokensMax = reply.CompletionTokensMax,
                EosTokenIds = [.. reply.EosTokenIds],
                KvBlockTokens = reply.KvBlockTokens,
                NumericsSha256 = reply.NumericsSha256,
                Adapters = [.. reply.Adapters.Select(adapter => new AdapterDescription(adapter.Name, adapter.PackageSha256))],
                AdapterLoading = reply.AdapterLoading,
            };
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, service, cancellationToken);
        }
    }

    public async Task<ReplicaLoad> GetLoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var load = await _client.GetLoadAsync(new GetLoadRequest(), cancellationToken: cancellationToken);
            return new ReplicaLoad(
                (int)load.QueuedRequests, (int)load.QueuedPromptTokens, (int)load.RunningSequences,
                load.KvBlocks == 0 ? 0 : (double)load.KvBlocksUsed / load.KvBlocks)
            {
                IsClosed = load.Draining || load.Unhealthy,
                Steps = load.Steps,
            };
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, service, cancellationToken);
        }
    }

    /// <summary>Has an adapter loaded; its path is one of the Generator's machine.</summary>
    public async Task<AdapterChange> LoadAdapterAsync(string name, string path, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await _adapters.LoadAsync(
                new LoadAdapterRequest { Name = name, Path = path }, cancellationToken: cancellationToken);
            return new AdapterChange(reply.SequencesLeft, reply.Replaced);
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, service, cancellationToken);
        }
    }

    public async Task<AdapterChange> UnloadAdapterAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await _adapters.UnloadAsync(new UnloadAdapterRequest { Name = name }, cancellationToken: cancellationToken);
            return new AdapterChange(reply.SequencesLeft);
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, service, cancellationToken);
        }
    }

    /// <summary>
    /// One sequence. Leaving the enumeration, or cancelling it, cancels the call: the Generator frees the sequence at its next step.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="prompt">Its ids.</param>
    /// <param name="seed">Of the draws; null leaves it to the Generator.</param>
    /// <param name="delivered">Ids of the answer that are there already: it goes on behind them.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        ChatRequest request, EncodedPrompt prompt, ulong? seed, IReadOnlyList<uint> delivered,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var message = new GenerateRequest
        {
            RequestId = request.RequestId,
            Model = request.Model,
            Adapter = request.Adapter,
            Sampling = ProtoMapping.ToProto(request.Sampling with { Seed = seed }),
            TokenizerSha256 = prompt.TokenizerSha256,
        };
        message.PromptIds.AddRange(prompt.Ids);
        message.ResumeIds.AddRange(delivered);
        using var call = _client.Generate(message, RequestMetadata.For(request), RequestMetadata.Deadline(request), cancellationToken);
        while (await MoveNextAsync(call, request.Sampling.Guide, cancellationToken))
        {
            if (ToDomain(call.ResponseStream.Current) is { } next)
                yield return next;
        }
    }

    private async Task<bool> MoveNextAsync(
        AsyncServerStreamingCall<GenerateResponse> call, ChatGuide? guide, CancellationToken cancellationToken)
    {
        try
        {
            return await call.ResponseStream.MoveNext(cancellationToken);
        }
        catch (RpcException exception)
        {
            throw Named(UpstreamFault.Translate(exception, service, cancellationToken), guide);
        }
    }

    /// <summary>A guide's fault under the name of the field that it came in.</summary>
    private static Exception Named(Exception fault, ChatGuide? guide)
    {
        if (guide is null || fault is not ChatException { Error: { Violations.Count: > 0 } error })
            return fault;
        var named = error.Violations.Select(violation =>
            violation.Field.StartsWith("sampling.guide", StringComparison.Ordinal) ? Named(violation, guide) : violation);
        return new ChatException(error with { Violations = new ViolationList(named) }, fault.InnerException);
    }

    /// <summary>Places are those in the request's own schemas, which it gave without a tag around.</summary>
    private static ChatViolation Named(ChatViolation violation, ChatGuide guide)
    {
        const string Refused = "is refused at ";
        const string Schema = "/json_schema";
        var own = guide.Content ?? guide;
        var description = violation.Description;
        var at = description.IndexOf(Schema, StringComparison.Ordinal);
        if ((guide.Content is null && guide.Functions.Count == 0) || at < 0
            || !description.StartsWith(Refused + "/format", StringComparison.Ordinal))
            return violation with { Field = own.Field };
        at += Schema.Length;
        var tool = TagPlaces.Find(guide.Texts[0], description[Refused.Length..at], guide.Functions);
        var rest = description[at..];
        return violation with
        {
            Field = tool is { } place ? $"chat.tools_json[{place.Tool}]{place.Place}" : own.Field,
            Description = (rest.StartsWith('/') ? Refused : "is refused") + rest,
        };
    }

    /// <summary>Null for an event of a later version, which says nothing to us.</summary>
    private GenerationEvent? ToDomain(GenerateResponse response) => response.EventCase switch
    {
        GenerateResponse.EventOneofCase.Tokens => new GenerationEvent.Tokens(
            [.. response.Tokens.Ids], ProtoMapping.ToDomain(response.Tokens.Logprobs), ProtoMapping.ToDomain(response.Tokens.Traces)),
        GenerateResponse.EventOneofCase.Progress => new GenerationEvent.Progress(
            response.Progress.QueuePosition, response.Progress.PromptTokensDone),
        GenerateResponse.EventOneofCase.Prompt => new GenerationEvent.Prompt(
            response.Prompt.PromptTokens, response.Prompt.CachedTokens, response.Prompt.HasSeed ? response.Prompt.Seed : null),
        GenerateResponse.EventOneofCase.PromptLogprobs => new GenerationEvent.PromptLogprobs(
            response.PromptLogprobs.Start, [.. response.PromptLogprobs.Tokens.Select(ProtoMapping.ToDomain)]),
        GenerateResponse.EventOneofCase.Guide => new GenerationEvent.Guide([.. response.Guide.UnassertedFormats]),
        GenerateResponse.EventOneofCase.Finished => ToDomain(response.Finished),
        GenerateResponse.EventOneofCase.Failed => new GenerationEvent.Failed(ToDomain(response.Failed)),
        _ => null,
    };

    private static GenerationEvent.Finished ToDomain(FinishedEvent finished) => new(
        finished.Reason is FinishReason.MaxTokens or FinishReason.ContextFull ? ChatFinishReason.Length : ChatFinishReason.Stop,
        finished.HasStopTokenId ? finished.StopTokenId : null,
        finished.Usage?.CompletionTokens ?? 0,
        finished.Usage?.CachedTokens ?? 0,
        ProtoMapping.FromNanoseconds(finished.Timings?.QueueNanoseconds ?? 0),
        ProtoMapping.FromNanoseconds(finished.Timings?.PrefillNanoseconds ?? 0),
        ProtoMapping.FromNanoseconds(finished.Timings?.DecodeNanoseconds ?? 0),
        finished.Seed);

    private ChatError ToDomain(FailedEvent failed)
    {
        var kind = failed.Code switch
        {
            FailureCode.ShuttingDown or FailureCode.Unhealthy => ChatErrorKind.Unavailable,
            FailureCode.DeadlineExceeded => ChatErrorKind.DeadlineExceeded,
            FailureCode.SlowReader => ChatErrorKind.SlowReader,
            FailureCode.NothingToChoose => ChatErrorKind.InvalidRequest,
            _ => ChatErrorKind.Internal,
        };
        var message = kind switch
        {
            ChatErrorKind.Unavailable => ChatError.NotAvailable,
            ChatErrorKind.DeadlineExceeded => "The deadline passed before the answer was complete.",
            ChatErrorKind.SlowReader => "The answer was given up: it was read too slowly.",
            // The request's own settings, in words that are meant for its author.
            ChatErrorKind.InvalidRequest => failed.Message,
            _ => ChatError.OurFault,
        };
        return new ChatError(kind, message)
        {
            Retryable = failed.Retryable,
            Detail = $"The {service} lost the sequence ({failed.Code}): {failed.Message}",
        };
    }
}

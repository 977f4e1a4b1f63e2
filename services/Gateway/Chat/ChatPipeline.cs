using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Parley.Gateway.Limits;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>The way of a request, from a chat to its streamed text. Read this file first.</summary>
/// <remarks>
/// <code>
/// client ──▶ Gateway
///               (1) accept: validate, pair the services, take a permit           here, Limits/, Upstream/UpstreamPairing
///               │ Tokenization.EncodeChat                                        one call
///               ├──▶ (2) template  (3) encode                                    Tokenizer
///               │ Generation.Generate                                            one call per choice, ids in, ids out
///               ├──▶ (4) admit  (5) plan  (6) reserve  (7) step  (8) sample  (9) emit      Generator
///               │ Tokenization.Detokenize                                        one stream for all choices, shared with others
///               ├──▶ (10) detokenize, match stop strings                         Tokenizer
///               ├──▶ content, reasoning and calls as the model's format has them Responses/
/// client ◀── (11) stream text, finish reason, usage, timings                     ChatRun, then the edges
/// </code>
/// Until every choice is admitted a fault is a <see cref="ChatException"/>; afterwards it is a <see cref="ChatUpdate.Failed"/>. An
/// accepted request ends in exactly one terminal update. Leaving the enumeration cancels all calls upstream and waits for them.
/// </remarks>
internal sealed class ChatPipeline(
    ChatRequestValidator validator, RequestPermits permits, Callers callers, UpstreamPairing pairing, TokenizerClient tokenizer,
    GenerationStreams generator, GatewayTelemetry telemetry, IOptions<GatewayOptions> options, TimeProvider time,
    ILogger<ChatPipeline> logger)
{
    /// <summary>Answers a chat.</summary>
    /// <param name="request">The request, from either edge.</param>
    /// <param name="cancellationToken">The caller's: cancelled when it leaves.</param>
    /// <exception cref="ChatException">The request was not accepted.</exception>
    /// <exception cref="OperationCanceledException">The caller left.</exception>
    public async IAsyncEnumerable<ChatUpdate> RunAsync(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var measurement = telemetry.Begin(request);
        using var deadline = DeadlineSource(request);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        IDisposable? permit = null;
        Allowance? allowance = null;
        ChatRun? run = null;
        try
        {
            ChatUpdate.Accepted accepted;
            try
            {
                // (1) Accept: every fault at once, a pair of services that belong together, a permit per choice: the caller's, then ours.
                var pair = await AcceptAsync(request, measurement, waiting.Token);
                allowance = Take(request, pair);
                permit = permits.Acquire(request.Choices);
                request = allowance.Prioritize(WithDefaults(request, pair));

                // (2, 3) Template and ids: one call to the Tokenizer.
                var format = request.Inspect || request.Prompt is not null ? null : pair.Format;
                var messages = request.Conversation.Messages.Count;
                (request, var prompt) = await EncodeAsync(request, pair, waiting.Token);
                request = allowance.Charge(request, prompt.Ids.Count);

                // (4 to 9) The Generator admits each choice and emits its ids as they are sampled.
                run = new ChatRun(request, prompt, format, tokenizer, generator, options.Value, time, deadline.Token, cancellationToken);
                await run.StartAsync();
                allowance.Accept();
                var served = request.Adapter.Length > 0 ? request.Adapter : pair.Model;
                accepted = new ChatUpdate.Accepted(request.RequestId, served, (uint)prompt.Ids.Count, prompt.Rendered)
                {
                    UnassertedFormats = run.UnassertedFormats,
                    PromptIds = prompt.Ids,
                    MessagesDropped = messages - request.Conversation.Messages.Count,
                };
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                throw Refuse(request, exception, measurement);
            }

            yield return accepted;

            // (10, 11) Text as the Tokenizer makes it of the ids; a stop string ends its choice; the last update is the terminal one.
            var pieces = request.TokenPieces ? new PieceLookup(tokenizer) : null;
            await foreach (var update in run.Updates)
            {
                var (told, fault) = pieces is null ? (update, null) : await pieces.AddAsync(update, waiting.Token, cancellationToken);
                allowance.Use(told);
                Observe(request, told, fault ?? run.Failure, measurement);
                yield return told;
                if (fault is not null)
                    yield break;
            }
        }
        finally
        {
            if (run is not null)
                await run.DisposeAsync();
            permit?.Dispose();
            allowance?.Dispose();
            if (measurement.IsOpen)
                Log.CallerGone(logger, request.RequestId);
        }
    }

    /// <summary>How many tokens a chat's prompt has; nothing is generated, and of a caller's limits only places are held.</summary>
    /// <exception cref="ChatException">The request would not be accepted.</exception>
    public async Task<int> CountAsync(ChatRequest request, CancellationToken cancellationToken)
    {
        using var deadline = DeadlineSource(request);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var pair = await AcceptAsync(request, null, waiting.Token);
            using var allowance = Take(request, pair);
            var prompt = await tokenizer.EncodeChatAsync(WithDefaults(request, pair), withText: false, waiting.Token);
            return prompt.Ids.Count;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ChatException(ChatError.DeadlinePassed, exception);
        }
        catch (ChatException exception)
        {
            if (exception.Error.Kind is ChatErrorKind.Unavailable or ChatErrorKind.PairMismatch)
                pairing.Forget();
            Log.RequestFailed(logger, request.RequestId, exception.Error, exception);
            throw;
        }
    }

    private Allowance Take(ChatRequest request, UpstreamPair pair) => Allowance.Take(
        callers, request, pair.NamesFor(request.Model), TimeSpan.FromSeconds(options.Value.RetryAfterSeconds));

    /// <summary>What the request leaves to the model: its sampling, its stop strings, the name that the Generator gave itself.</summary>
    private static ChatRequest WithDefaults(ChatRequest request, UpstreamPair pair)
    {
        if (request.ToolChoice == ToolChoice.None)
            request = request with { Conversation = request.Conversation with { ToolsJson = [] } };
        request = VariedSampling.Apply(request, pair.Generator.DefaultSampling);
        if (request.Sampling is { WantsDrafts: true, DraftTokens: null } && pair.Generator.DraftTokensMax > 0)
            request = request with { Sampling = request.Sampling with { DraftTokens = pair.Generator.DraftTokensMax } };

        // As for `generate`, the model's own stop strings are a default: a request that names any has those.
        if (request.Stop.Count == 0)
            request = request with { Stop = pair.Generator.DefaultStopStrings };
        return request.Model.Length == 0 ? request
            : request with { Model = pair.Generator.Model, Adapter = pair.AdapterOf(request.Model)?.Name ?? "" };
    }

    /// <summary>The prompt's ids, and the request in the model's own ids and in its way of writing.</summary>
    private async Task<(ChatRequest Request, EncodedPrompt Prompt)> EncodeAsync(
        ChatRequest request, UpstreamPair pair, CancellationToken cancellationToken)
    {
        (request, var prompt) = await new PromptFitting(tokenizer, pair, callers.Current.Limits.ContextTokensMax)
            .EncodeAsync(request, withText: pair.Format is not null, cancellationToken);
        if (request.Prompt is null)
        {
            request = AnswerPlan.Apply(request, pair, prompt.Text);
            request = await new ReasoningBudgets(tokenizer).ResolveAsync(request, pair, prompt.Text, cancellationToken);
        }

        return (await new ProcessorTexts(tokenizer).ResolveAsync(request, cancellationToken), prompt);
    }

    private async ValueTask<UpstreamPair> AcceptAsync(
        ChatRequest request, ChatMeasurement? measurement, CancellationToken cancellationToken)
    {
        // Why an image is refused is a matter of the model.
        var hasImage = request.Conversation.Messages.Any(message => message.ImageParts.Count > 0);
        var served = hasImage ? await pairing.GetAsync(cancellationToken) : pairing.LastSeen;
        var violations = validator.Validate(request, served?.Names, served?.Generator.WithoutVision == true);
        if (violations is [{ Field: "model" }])
            violations = [];
        if (violations.Count > 0)
            throw new ChatException(ChatError.Invalid(violations));
        var pair = await pairing.GetAsync(cancellationToken);
        // An adapter may have come since the services were last looked at.
        if (request.Model.Length > 0 && pair.Generator.AdapterLoading && !pair.Names.Contains(request.Model))
            pair = await pairing.LookAsync(cancellationToken);
        measurement?.Paired(pair.Names, pair.AdapterOf(request.Model)?.Name);
        if (request.ToolChoice != ToolChoice.None)
            CheckTools(request.Conversation, pair);
        AnswerPlan.Check(request, pair);
        ReasoningBudgets.Check(request, pair);
        if (request.Model.Length == 0 || pair.Names.Contains(request.Model))
            return pair;
        throw new ChatException(ChatRequestValidator.ModelNotFound(request.Model, pair.Model));
    }

    /// <summary>Tools that the template does not write are not in the prompt: the model would never hear of them.</summary>
    private static void CheckTools(Conversation conversation, UpstreamPair pair)
    {
        if (conversation.ToolsJson.Count == 0 || !pair.Tokenizer.HasChatTemplate || pair.Tokenizer.ReadsTools(conversation.TemplateName))
            return;
        throw new ChatException(ChatError.Invalid(new ChatViolation(
            "chat.tools_json", $"cannot be used: the chat template of {pair.Model} does not read tools", ViolationReason.Unsupported)));
    }

    private Exception Refuse(ChatRequest request, Exception exception, ChatMeasurement measurement)
    {
        var error = exception switch
        {
            ChatException chosen => chosen.Error,
            OperationCanceledException =>
                new ChatError(ChatErrorKind.DeadlineExceeded, "The deadline passed before the request was accepted."),
            _ => new ChatError(ChatErrorKind.Internal, ChatError.OurFault),
        };
        Note(request, error, exception, measurement);
        return new ChatException(error.Rename(request.NameAsSent), exception);
    }

    private void Observe(ChatRequest request, ChatUpdate update, Exception? cause, ChatMeasurement measurement)
    {
        switch (update)
        {
            case ChatUpdate.Delta { TellsSomething: true } delta:
                measurement.Chunk(delta.Choice, delta.Text);
                break;
            case ChatUpdate.ChoiceFinished finished:
                measurement.ChoiceFinished(finished.Choice, finished.Reason);
                break;
            case ChatUpdate.Completed completed:
                measurement.Completed(completed.Usage);
                Log.Completed(logger, request.RequestId, completed.Usage.PromptTokens, completed.Usage.CompletionTokens);
                break;
            case ChatUpdate.Failed failed:
                Note(request, failed.Error, cause, measurement);
                break;
        }
    }

    private void Note(ChatRequest request, ChatError error, Exception? cause, ChatMeasurement measurement)
    {
        // What the services say may have changed; the next request looks again.
        if (error.Kind is ChatErrorKind.Unavailable or ChatErrorKind.PairMismatch or ChatErrorKind.ModelNotFound)
            pairing.Forget();
        measurement.Failed(error.Code);
        Log.RequestFailed(logger, request.RequestId, error, cause);
    }

    private CancellationTokenSource DeadlineSource(ChatRequest request)
    {
        if (request.Deadline is not { } deadline)
            return new CancellationTokenSource();
        var left = deadline - time.GetUtcNow();
        // A timer's longest time is some 49 days; a deadline beyond it is none.
        return left > TimeSpan.FromDays(40)
            ? new CancellationTokenSource()
            : new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
    }
}

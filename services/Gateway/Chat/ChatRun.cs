using System.Threading.Channels;
using Parley.Gateway.Responses.Formats;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>
/// The moving part of one request: n Generate calls, one Detokenize stream, and the bounded channel in which their updates meet.
/// </summary>
/// <remarks>
/// <code>
/// Generate[i] ──ids──▶ PumpAsync(i) ──ids──▶ Detokenize ──text──▶ CollectAsync ──▶ updates ──▶ the client
///                          └── Sent[i]: batches in flight ──────────────▲
/// </code>
/// Nobody waits for text before reading more ids, and everything between has a bound: a slow client fills the updates, then the
/// batches in flight, then the Generator's own stream. Disposal cancels both calls and waits for the tasks: nothing outlives it.
/// </remarks>
internal sealed class ChatRun : IAsyncDisposable
{
    private readonly ChatRequest _request;
    private readonly EncodedPrompt _prompt;
    private readonly bool _marksSpecial;
    private readonly GenerationStreams _generator;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _open;
    private readonly CancellationToken _deadlineToken;
    private readonly CancellationTokenSource _lifetime;
    private readonly DetokenizeStream _detokenize;
    private readonly ChoiceRun[] _choices;
    private readonly Channel<ChatUpdate> _updates;
    private readonly TaskCompletionSource _admitted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _startedAt;
    private int _notAdmitted;
    private Exception? _failure;
    private Task _work = Task.CompletedTask;

    /// <param name="request">A valid request.</param>
    /// <param name="prompt">Its ids.</param>
    /// <param name="format">How its model writes answers; null where they are text.</param>
    /// <param name="tokenizer">Answers step 10.</param>
    /// <param name="generator">Answers steps 4 to 9.</param>
    /// <param name="options">Bounds of the buffers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="deadlineToken">Cancelled when the deadline passes.</param>
    /// <param name="callerToken">Cancelled when the caller leaves.</param>
    public ChatRun(
        ChatRequest request, EncodedPrompt prompt, ResponseFormat? format, TokenizerClient tokenizer, GenerationStreams generator,
        GatewayOptions options, TimeProvider time, CancellationToken deadlineToken, CancellationToken callerToken)
    {
        _request = request;
        _prompt = prompt;
        _marksSpecial = format is not null;
        _generator = generator;
        _time = time;
        _deadlineToken = deadlineToken;
        _startedAt = time.GetTimestamp();
        _notAdmitted = (int)request.Choices;
        _open = CancellationTokenSource.CreateLinkedTokenSource(callerToken);
        _lifetime = CancellationTokenSource.CreateLinkedTokenSource(_open.Token, deadlineToken);
        _detokenize = tokenizer.Detokenize(request, _lifetime.Token);
        _choices = [.. Enumerable.Range(0, (int)request.Choices).Select(index => new ChoiceRun(
            (uint)index, SeedOf(request, (uint)index), options.BatchesInFlightMax, _lifetime.Token)
        {
            Answer = ChoiceAnswer.Begin(format, prompt.Text, request),
        })];
        _updates = Channel.CreateBounded<ChatUpdate>(new BoundedChannelOptions(options.UpdatesBufferedMax)
        {
            FullMode = BoundedChannelFullMode.Wait,
            SingleReader = true,
            // The edge writes an update inside of the task that has read it: one thread's work, not two threads' with a wake between.
            AllowSynchronousContinuations = true,
        });
    }

    /// <summary>Everything after acceptance; the last is the terminal update.</summary>
    public IAsyncEnumerable<ChatUpdate> Updates => _updates.Reader.ReadAllAsync(_open.Token);

    /// <summary>Formats that the guide's schema names and nobody defines; known when the choices are admitted.</summary>
    public IReadOnlyList<string> UnassertedFormats { get; private set; } = [];

    /// <summary>What ended the request early, for the log.</summary>
    public Exception? Failure => _failure;

    /// <summary>Starts all choices; returns when the Generator has admitted them.</summary>
    /// <exception cref="ChatException">A service refused or is not there; all calls are cancelled.</exception>
    public Task StartAsync()
    {
        _work = RunAsync();
        return _admitted.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _open.CancelAsync();
        await _work;
        foreach (var choice in _choices)
            choice.Dispose();
        _detokenize.Dispose();
        _lifetime.Dispose();
        _open.Dispose();
    }

    /// <summary>Runs all tasks to their end and writes the one terminal update. Never throws.</summary>
    private async Task RunAsync()
    {
        await Task.WhenAll([GuardAsync(CollectAsync()), .. _choices.Select(choice => GuardAsync(PumpAsync(choice)))]);
        if (_failure is null && _deadlineToken.IsCancellationRequested && !_choices.All(choice => choice.Told))
            _failure = new ChatException(ChatError.DeadlinePassed);
        if (_failure is not null)
            _admitted.TrySetException(_failure);
        _admitted.TrySetCanceled(_open.Token);
        try
        {
            await _updates.Writer.WriteAsync(_failure is null ? Summary() : new ChatUpdate.Failed(ErrorOf(_failure)), _open.Token);
            _updates.Writer.Complete();
        }
        catch (OperationCanceledException exception)
        {
            // The caller has left: there is nobody to tell.
            _updates.Writer.Complete(exception);
        }
    }

    /// <summary>The first fault ends the request; those that follow from it are its consequences.</summary>
    private async Task GuardAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException) when (_lifetime.IsCancellationRequested)
        {
            // Either the caller left, or another task has already said why.
        }
        catch (Exception exception)
        {
            if (Interlocked.CompareExchange(ref _failure, exception, null) is null)
                _admitted.TrySetException(exception);
            await _lifetime.CancelAsync();
        }
    }

    /// <summary>(4 to 9) One choice: reads ids as the Generator emits them, and hands them on without waiting for their text.</summary>
    private async Task PumpAsync(ChoiceRun choice)
    {
        choice.StartedAt = _time.GetTimestamp();
        var admitted = false;
        var ended = false;
        try
        {
            _detokenize.Start(choice.Index, _request, _marksSpecial, _prompt.Ids);
            await foreach (var happened in _generator.GenerateAsync(RequestOf(choice), _prompt, choice.Seed, choice.GenerateToken))
            {
                if (happened is GenerationEvent.Guide guide)
                    UnassertedFormats = guide.UnassertedFormats;
                if (!admitted && happened is not GenerationEvent.Failed)
                {
                    admitted = true;
                    Admit(hasTokens: happened is GenerationEvent.Tokens or GenerationEvent.PromptLogprobs);
                }

                // Read on to the end of the call, so that it closes as completed and not as cancelled.
                ended |= await HandleAsync(choice, happened);
            }
        }
        catch (OperationCanceledException) when (choice.Stopped)
        {
            return;
        }

        if (!ended && !choice.Stopped)
            throw new ChatException(new ChatError(ChatErrorKind.Internal, "The Generator ended a stream without a terminal event."));
    }

    /// <summary>True after the sequence's last event.</summary>
    private async ValueTask<bool> HandleAsync(ChoiceRun choice, GenerationEvent happened)
    {
        switch (happened)
        {
            case GenerationEvent.Tokens tokens:
                if (choice.FirstTokensAt == 0)
                {
                    choice.FirstTokensAt = _time.GetTimestamp();
                    Admit(hasTokens: true);
                }

                await choice.Sent.Writer.WriteAsync(tokens, choice.GenerateToken);
                _detokenize.Write(choice.Index, tokens.Ids);
                return false;
            case GenerationEvent.Finished finished:
                await choice.Sent.Writer.WriteAsync(finished, choice.GenerateToken);
                _detokenize.End(choice.Index);
                return true;
            case GenerationEvent.Failed failed:
                throw new ChatException(failed.Error);
            case GenerationEvent.Progress progress:
                await _updates.Writer.WriteAsync(
                    new ChatUpdate.Progress(choice.Index, progress.QueuePosition, progress.PromptTokensDone), choice.GenerateToken);
                return false;
            case GenerationEvent.PromptLogprobs judged:
                await _updates.Writer.WriteAsync(
                    new ChatUpdate.PromptLogprobs(
                        judged.Start, [.. _prompt.Ids.Skip((int)judged.Start).Take(judged.Judged.Count)], judged.Judged),
                    choice.GenerateToken);
                return false;
            case GenerationEvent.Resumed resumed:
                choice.Resumes++;
                choice.InexactResumes += resumed.IsExact ? 0U : 1;
                return false;
            case GenerationEvent.Prompt prompt:
                choice.PlannedAt = _time.GetTimestamp();
                choice.CachedTokens = prompt.CachedTokens;
                return false;
            default:
                return false;
        }
    }

    /// <summary>
    /// The request is accepted when every choice was admitted. Tokens of one choice are not held back for another that waits: refusals
    /// come at admission, long before them.
    /// </summary>
    private void Admit(bool hasTokens)
    {
        if (hasTokens || Interlocked.Decrement(ref _notAdmitted) <= 0)
            _admitted.TrySetResult();
    }

    /// <summary>(10) Reads text as the Tokenizer answers, until every choice has ended.</summary>
    private async Task CollectAsync()
    {
        for (var open = _choices.Length; open > 0;)
        {
            var answer = await _detokenize.ReadAsync()
                ?? throw new ChatException(
                    new ChatError(ChatErrorKind.Internal, "The Tokenizer ended a Detokenize stream before its sequences."));
            if (answer.Choice < _choices.Length && _choices[answer.Choice] is { Told: true, IsCut: true })
                continue;
            if (answer.Choice >= _choices.Length || _choices[answer.Choice] is not { Told: false } choice)
                throw new ChatException(
                    new ChatError(ChatErrorKind.Internal, $"The Tokenizer answered for choice {answer.Choice}, which is not open."));
            if (!choice.Sent.Reader.TryRead(out var sent))
                throw new ChatException(new ChatError(ChatErrorKind.Internal, "The Tokenizer answered a batch that was not sent."));
            await TellAsync(choice, answer, sent);
            if (choice.Told)
                open--;
        }
    }

    /// <summary>(11) What one answer means for the client; a stop match ends the choice here, not in the Generator.</summary>
    private async ValueTask TellAsync(ChoiceRun choice, DetokenizedText answer, GenerationEvent sent)
    {
        var stopped = answer.Final && answer.Stop is not null;
        if (stopped)
            choice.Stop();
        var tokensSent = sent as GenerationEvent.Tokens;
        var kept = tokensSent is null ? 0
            : stopped ? (int)Math.Clamp(answer.TokensRead - (long)choice.TokensTold, 0, tokensSent.Ids.Length) : tokensSent.Ids.Length;
        var (content, reasoning, calls) = choice.Answer.Read(answer, kept);
        if (sent is GenerationEvent.Tokens tokens)
        {
            choice.TokensTold += (uint)kept;
            var delta = Delta(choice, content, tokens, kept) with { Reasoning = reasoning, Calls = calls };
            await _updates.Writer.WriteAsync(delta, _lifetime.Token);
        }
        else if (content.Length > 0 || reasoning.Length > 0 || calls.Count > 0)
        {
            var delta = new ChatUpdate.Delta(choice.Index, content, default, [], []) { Reasoning = reasoning, Calls = calls };
            await _updates.Writer.WriteAsync(delta, _lifetime.Token);
        }

        if (!answer.Final && !_request.ParallelToolCalls && choice.Answer.IsFirstCallOver)
            await CutAsync(choice);
        if (!answer.Final)
            return;
        choice.Told = true;
        var finished = sent as GenerationEvent.Finished;
        if (finished is null && !stopped)
            throw new ChatException(new ChatError(ChatErrorKind.Internal, "The Tokenizer ended a sequence that goes on."));
        // What the last of several Generators measured is not the whole.
        choice.Durations = finished is null || choice.Resumes > 0
            ? MeasuredDurations(choice)
            : (finished.Queue, finished.Prefill, finished.Decode);
        await _updates.Writer.WriteAsync(
            new ChatUpdate.ChoiceFinished(
                choice.Index,
                ReasonOf(choice, stopped ? ChatFinishReason.Stop : finished!.Reason),
                answer.Stop,
                stopped ? null : finished!.StopTokenId,
                finished?.Seed ?? choice.Seed ?? 0),
            _lifetime.Token);
    }

    /// <summary>One call was wanted, and is there: the choice ends here, not in the Generator.</summary>
    private async ValueTask CutAsync(ChoiceRun choice)
    {
        choice.Stop();
        (choice.Told, choice.IsCut) = (true, true);
        choice.Durations = MeasuredDurations(choice);
        await _updates.Writer.WriteAsync(
            new ChatUpdate.ChoiceFinished(choice.Index, ChatFinishReason.ToolCalls, null, null, choice.Seed ?? 0), _lifetime.Token);
    }

    /// <summary>An answer that ends in calls waits for what they give; one that was cut short is told as such.</summary>
    private static ChatFinishReason ReasonOf(ChoiceRun choice, ChatFinishReason reason) =>
        reason == ChatFinishReason.Stop && choice.Answer.HasCalls ? ChatFinishReason.ToolCalls : reason;

    private static ChatUpdate.Delta Delta(ChoiceRun choice, string text, GenerationEvent.Tokens tokens, int kept) => new(
        choice.Index,
        text,
        tokens.Ids.AsMemory(0, kept),
        kept >= tokens.Logprobs.Count ? tokens.Logprobs : [.. tokens.Logprobs.Take(kept)],
        kept >= tokens.Traces.Count ? tokens.Traces : [.. tokens.Traces.Take(kept)]);

    /// <summary>A sequence that a stop string ended sends no timings: these are the Gateway's own, with the way there and back.</summary>
    private (TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode) MeasuredDurations(ChoiceRun choice)
    {
        var planned = choice.PlannedAt == 0 ? choice.StartedAt : choice.PlannedAt;
        return (
            _time.GetElapsedTime(choice.StartedAt, planned),
            _time.GetElapsedTime(planned, choice.FirstTokensAt),
            _time.GetElapsedTime(choice.FirstTokensAt));
    }

    private ChatUpdate.Completed Summary() => new(
        new ChatUsage(
            (uint)_prompt.Ids.Count,
            _choices.Min(choice => choice.CachedTokens),
            (uint)_choices.Sum(choice => choice.TokensTold))
        {
            ReasoningTokens = (uint)_choices.Sum(choice => Math.Min(choice.Answer.ReasoningTokens, choice.TokensTold)),
        },
        new ChatTimings(
            _prompt.TemplateDuration,
            _prompt.EncodeDuration,
            _choices.Max(choice => choice.Durations.Queue),
            _choices.Max(choice => choice.Durations.Prefill),
            _choices.Max(choice => choice.Durations.Decode),
            _time.GetElapsedTime(_startedAt) + _prompt.TemplateDuration + _prompt.EncodeDuration)
        {
            Resumes = (uint)_choices.Sum(choice => choice.Resumes),
            InexactResumes = (uint)_choices.Sum(choice => choice.InexactResumes),
        });

    /// <summary>The prompt is one for all choices: the first has it judged.</summary>
    private ChatRequest RequestOf(ChoiceRun choice) => choice.Index == 0 || _request.Sampling.PromptLogprobs is null
        ? _request : _request with { Sampling = _request.Sampling with { PromptLogprobs = null } };

    private static ulong? SeedOf(ChatRequest request, uint choice) =>
        request.Sampling.Seed is { } seed ? ChoiceSeed.Derive(seed, choice) : null;

    private static ChatError ErrorOf(Exception exception) => exception is ChatException chosen
        ? chosen.Error
        : new ChatError(ChatErrorKind.Internal, ChatError.OurFault);
}

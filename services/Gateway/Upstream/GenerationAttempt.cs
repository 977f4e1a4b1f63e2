using Grpc.Core;
using Parley.Gateway.Balancing;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>One call to one Generator for an answer: its events, or why it is lost.</summary>
internal sealed class GenerationAttempt : IAsyncDisposable
{
    private readonly GeneratorReplica _replica;
    private readonly ReplicaLease _lease;
    private readonly StreamWatch _watch;
    private readonly IAsyncEnumerator<GenerationEvent> _events;
    private readonly CancellationToken _cancellationToken;
    private bool _isOver;

    private GenerationAttempt(
        GeneratorReplica replica, ReplicaLease lease, StreamWatch watch, IAsyncEnumerator<GenerationEvent> events,
        CancellationToken cancellationToken)
    {
        (_replica, _lease, _watch, _events, _cancellationToken) = (replica, lease, watch, events, cancellationToken);
        Description = replica.Description;
    }

    /// <summary>Calls a Generator.</summary>
    /// <param name="replica">Which.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="prompt">Its ids.</param>
    /// <param name="progress">What of the answer is there.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public static GenerationAttempt Begin(
        GeneratorReplica replica, ChatRequest request, EncodedPrompt prompt, GenerationProgress progress, GatewayOptions options,
        TimeProvider time, CancellationToken cancellationToken)
    {
        // The prompt's own probabilities are told before the first token, and have been.
        if (progress.Ids.Count > 0 && request.Sampling.PromptLogprobs is not null)
            request = request with { Sampling = request.Sampling with { PromptLogprobs = null } };
        var watch = new StreamWatch(replica, options, time, cancellationToken);
        var events = replica.Client.GenerateAsync(request, prompt, progress.Seed, progress.Ids, watch.Token)
            .GetAsyncEnumerator(CancellationToken.None);
        return new GenerationAttempt(replica, replica.Begin(prompt.Ids.Count), watch, events, cancellationToken);
    }

    /// <summary>What the Generator said of itself when it was called.</summary>
    public GeneratorDescription? Description { get; }

    /// <summary>The next event; or the fault that ended the call; or neither, when the call is over.</summary>
    /// <exception cref="OperationCanceledException">The call was cancelled from outside.</exception>
    public async ValueTask<(GenerationEvent? Event, ChatException? Fault)> ReadAsync()
    {
        try
        {
            if (!await _events.MoveNextAsync())
                return (null, _isOver ? null : Broken("ended a stream without a terminal event."));
            _watch.Hear();
            if (_events.Current is GenerationEvent.Failed failed)
                return (null, new ChatException(failed.Error));
            return Check(_events.Current);
        }
        catch (ChatException exception)
        {
            return (null, _isOver ? null : Told(exception));
        }
        catch (OperationCanceledException exception) when (_watch.Fault is { } fault && !_cancellationToken.IsCancellationRequested)
        {
            return (null, _isOver ? null : new ChatException(fault, exception));
        }
    }

    /// <summary>The fault was the replica's: it is kept away from requests when that happens again and again.</summary>
    /// <returns>Whether nothing more is sent to it for a while.</returns>
    public bool Fail()
    {
        _replica.Tell(null);
        _replica.Description = null;
        return _lease.Fail();
    }

    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync();
        await _watch.DisposeAsync();
        _lease.Dispose();
    }

    private (GenerationEvent? Event, ChatException? Fault) Check(GenerationEvent happened)
    {
        switch (happened)
        {
            case GenerationEvent.Tokens tokens:
                if (Description?.VocabularySize is > 0 and var size && Array.Exists(tokens.Ids, id => id >= size))
                    return (null, Broken($"sent an id that its vocabulary of {size} has not."));
                _lease.Answers();
                _lease.Succeed();
                break;
            case GenerationEvent.Finished:
                _isOver = true;
                _lease.Succeed();
                break;
        }

        return (happened, null);
    }

    /// <summary>A call that broke may succeed elsewhere; a sequence that failed says itself whether it may.</summary>
    private static ChatException Told(ChatException exception) =>
        exception is { Error.Kind: ChatErrorKind.Internal, InnerException: RpcException }
            ? new ChatException(exception.Error with { Retryable = true }, exception.InnerException)
            : exception;

    private ChatException Broken(string what) => new(new ChatError(ChatErrorKind.Internal, ChatError.OurFault)
    {
        Detail = $"The Generator at {_replica.Address.Authority} {what}",
        Retryable = true,
    });
}

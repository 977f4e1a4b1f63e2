using Grpc.Core;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Upstream;

/// <summary>
/// One Detokenize call that requests share. What they write while a message is on its way goes into the next one together, and the answers
/// to it come back together: sixteen streams of one step cost few messages. It closes with its last request.
/// </summary>
/// <remarks>
/// Nobody waits for another: writing is an entry in a list, and an answer is handed over without a wait. What both can hold is bounded by
/// each choice's batches in flight (<see cref="GatewayOptions.BatchesInFlightMax"/>), so a slow client stops only itself.
/// </remarks>
internal sealed class DetokenizeCall : IThreadPoolWorkItem
{
    private readonly AsyncDuplexStreamingCall<DetokenizeRequest, DetokenizeResponse> _call;
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, DetokenizeStream> _sequences = [];
    private readonly List<DetokenizeRequest> _waiting = [];
    private uint _nextSequence;
    private bool _isWriting;
    private bool _isClosed;

    /// <param name="call">Just begun; disposed when it is over.</param>
    /// <param name="first">Whose choices are its first.</param>
    public DetokenizeCall(AsyncDuplexStreamingCall<DetokenizeRequest, DetokenizeResponse> call, DetokenizeStream first)
    {
        _call = call;
        TryJoin(first, first.Choices);
        _ = ReadAsync();
    }

    /// <summary>Takes a request in.</summary>
    /// <param name="stream">Its choices.</param>
    /// <param name="sequencesMax">Sequences that share the call; a request that is alone may have more.</param>
    /// <returns>False when the call is full or over.</returns>
    public bool TryJoin(DetokenizeStream stream, int sequencesMax)
    {
        lock (_lock)
        {
            if (_isClosed || (_sequences.Count > 0 && _sequences.Count + stream.Choices > sequencesMax))
                return false;
            stream.Join(this, _nextSequence);
            for (var choice = 0; choice < stream.Choices; choice++)
                _sequences.Add(_nextSequence++, stream);
            return true;
        }
    }

    /// <summary>Sends a message; dropped where its request has left or the call is over.</summary>
    public void Post(DetokenizeStream stream, DetokenizeRequest message)
    {
        bool isAlone;
        lock (_lock)
        {
            if (!_sequences.TryGetValue(message.Sequence, out var owner) || owner != stream)
                return;
            stream.Posted(message);
            _waiting.Add(message);
            if (_isWriting)
                return;
            _isWriting = true;
            isAlone = _sequences.Count == 1;
        }

        Write(isAlone);
    }

    /// <summary>Takes a request out; the last one closes the call.</summary>
    public void Leave(DetokenizeStream stream, uint first)
    {
        lock (_lock)
        {
            if (!_sequences.TryGetValue(first, out var owner) || owner != stream)
                return;
            for (var choice = 0u; choice < stream.Choices; choice++)
                _sequences.Remove(first + choice);
            _isClosed = _sequences.Count == 0;
            if (!_isClosed)
                _waiting.AddRange(stream.OpenEnds());
            if (_isWriting || (!_isClosed && _waiting.Count == 0))
                return;
            _isWriting = true;
        }

        Write(isAlone: false);
    }

    void IThreadPoolWorkItem.Execute() => _ = WriteAsync();

    /// <summary>Others of the same step are about to write as well: behind them in the pool's queue, their messages go together.</summary>
    private void Write(bool isAlone)
    {
        if (isAlone)
            _ = WriteAsync();
        else
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private async Task WriteAsync()
    {
        try
        {
            while (TryTake(out var message))
            {
                if (message is null)
                {
                    await _call.RequestStream.CompleteAsync();
                    return;
                }

                await _call.RequestStream.WriteAsync(message);
            }
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException or OperationCanceledException)
        {
            // The call is over; whoever reads learns why. Nothing is written any more.
        }
        catch (Exception)
        {
            // Whatever it was, nobody may wait for the answer to what was not written: ends the reading.
            _call.Dispose();
        }
    }

    /// <summary>All that waits, in one message; null when the call is to be closed, false when there is nothing to do.</summary>
    private bool TryTake(out DetokenizeRequest? message)
    {
        message = null;
        lock (_lock)
        {
            if (_waiting.Count == 0)
                return _isWriting = _isClosed;
            if (_waiting.Count == 1)
            {
                message = _waiting[0];
            }
            else
            {
                message = new DetokenizeRequest { Batch = new DetokenizeBatch() };
                message.Batch.Requests.AddRange(_waiting);
            }

            _waiting.Clear();
            return true;
        }
    }

    /// <summary>Hands answers over until the call is over; whoever is left then learns why.</summary>
    private async Task ReadAsync()
    {
        Exception? reason = null;
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None))
            {
                var answer = _call.ResponseStream.Current;
                if (answer.Batch.Count == 0)
                    Hand(answer);
                foreach (var one in answer.Batch)
                    Hand(one);
            }
        }
        catch (Exception exception)
        {
            reason = exception;
        }

        DetokenizeStream[] left;
        lock (_lock)
        {
            (_isClosed, _isWriting) = (true, true);
            left = [.. _sequences.Values.Distinct()];
            _sequences.Clear();
            _waiting.Clear();
        }

        _call.Dispose();
        foreach (var stream in left)
            stream.Ended(reason);
    }

    private void Hand(DetokenizeResponse answer)
    {
        DetokenizeStream? stream;
        lock (_lock)
            _sequences.TryGetValue(answer.Sequence, out stream);
        // None is the answer to the end of a request that has left.
        stream?.Answer(answer);
    }
}

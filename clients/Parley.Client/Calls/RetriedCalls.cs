using System.Runtime.CompilerServices;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Parley.Client.Requests;
using Parley.Gateway.V1;

namespace Parley.Client.Calls;

/// <summary>Makes calls, tries again what may be tried again, and turns what ends badly into this client's exceptions.</summary>
internal sealed class RetriedCalls(
    ChatCompletion.ChatCompletionClient client, string? apiKey, RetrySchedule schedule, TimeProvider time, ILogger logger,
    CancellationToken disposal)
{
    private const string RequestIdHeader = "x-request-id";

    /// <summary>The server counts the same time and may break off first; a call that breaks so near its end has run out of time.</summary>
    private static readonly TimeSpan EndTolerance = TimeSpan.FromMilliseconds(100);

    /// <summary>The events of an answer. After another try there is another <c>accepted</c>, and what came before is void.</summary>
    /// <param name="call">The request.</param>
    /// <param name="isSeen">Whether somebody sees the text as it comes: then nothing is tried again after the first token.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="ParleyException">The request was refused, or failed.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed in the midst of it.</exception>
    public async IAsyncEnumerable<CompleteResponse> RunAsync(
        ChatCall call, bool isSeen, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var isBounded = call.Timeout != Timeout.InfiniteTimeSpan;
        var end = isBounded ? time.GetUtcNow() + call.Timeout : DateTimeOffset.MaxValue;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, disposal);
        for (var attempt = 1; ; attempt++)
        {
            ThrowIfEnded(null, cancellationToken);
            using var stream = client.Complete(
                call.Request, HeadersFor(call.Request), isBounded ? end.UtcDateTime : null, ending.Token);
            var isBegun = false;
            TimeSpan? delay = null;
            while (delay is null)
            {
                CompleteResponse? response = null;
                try
                {
                    response = await NextAsync(stream.ResponseStream, call.Request.RequestId, end, cancellationToken).ConfigureAwait(false);
                }
                catch (ParleyException fault) when (!(isSeen && isBegun))
                {
                    delay = schedule.DelayAfter(fault, attempt, isBounded ? end - time.GetUtcNow() : Timeout.InfiniteTimeSpan);
                    if (delay is null)
                        throw;
                    Log.TryAgain(logger, call.Request.RequestId, attempt, schedule.AttemptsMax, fault.StatusCode, delay.Value);
                    continue;
                }

                isBegun |= response.EventCase == CompleteResponse.EventOneofCase.Delta;
                yield return response;
                if (response.EventCase == CompleteResponse.EventOneofCase.Completed)
                {
                    await EndAsync(stream.ResponseStream).ConfigureAwait(false);
                    yield break;
                }
            }

            await Task.Delay(delay.Value, time, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<CompleteResponse> NextAsync(
        IAsyncStreamReader<CompleteResponse> stream, string requestId, DateTimeOffset end, CancellationToken cancellationToken)
    {
        try
        {
            if (!await stream.MoveNext(CancellationToken.None).ConfigureAwait(false))
                throw FaultReader.Unfinished(requestId);
        }
        catch (RpcException exception)
        {
            ThrowIfEnded(exception, cancellationToken);
            throw FaultReader.Read(exception, requestId, isOver: end - time.GetUtcNow() < EndTolerance);
        }

        var response = stream.Current;
        return response.EventCase == CompleteResponse.EventOneofCase.Failed
            ? throw FaultReader.Read(response.Failed, requestId) : response;
    }

    /// <summary>Reads the status behind the last event: a call that is left before it counts as broken off, here and there.</summary>
    private static async Task EndAsync(IAsyncStreamReader<CompleteResponse> stream)
    {
        try
        {
            await stream.MoveNext(CancellationToken.None).ConfigureAwait(false);
        }
        catch (RpcException)
        {
            // The answer is whole all the same.
        }
    }

    private void ThrowIfEnded(Exception? exception, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            throw new OperationCanceledException("The caller cancelled the chat.", exception, cancellationToken);
        if (disposal.IsCancellationRequested)
            throw new ObjectDisposedException(nameof(ParleyChatClient), exception);
    }

    private Metadata HeadersFor(CompleteRequest request)
    {
        var headers = new Metadata { { RequestIdHeader, request.RequestId } };
        if (apiKey is not null)
            headers.Add("authorization", $"Bearer {apiKey}");
        return headers;
    }
}

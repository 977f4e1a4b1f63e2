using Grpc.Core;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Upstream;

/// <summary>
/// One Detokenize call that carries all choices of a request. Any task may write, one at a time; one task reads.
/// Every batch of tokens is answered by exactly one message, and the end by a last one.
/// </summary>
internal sealed class DetokenizeStream(
    AsyncDuplexStreamingCall<DetokenizeRequest, DetokenizeResponse> call, UpstreamService service,
    CancellationToken cancellationToken) : IDisposable
{
    private readonly SemaphoreSlim _writing = new(1);
    private bool _completed;

    public Task StartAsync(uint sequence, IReadOnlyList<string> stop, bool includeStop)
    {
        var start = new DetokenizeStart { IncludeStop = includeStop };
        start.Stop.AddRange(stop);
        return WriteAsync(new DetokenizeRequest { Sequence = sequence, Start = start });
    }

    public Task WriteAsync(uint sequence, uint[] ids)
    {
        var tokens = new DetokenizeTokens();
        tokens.Ids.AddRange(ids);
        return WriteAsync(new DetokenizeRequest { Sequence = sequence, Tokens = tokens });
    }

    public Task EndAsync(uint sequence) => WriteAsync(new DetokenizeRequest { Sequence = sequence, End = new DetokenizeEnd() });

    /// <summary>No sequence has more to say: waits until the call has closed. What is still written is dropped.</summary>
    public async Task CompleteAsync()
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            _completed = true;
            await call.RequestStream.CompleteAsync();
            while (await call.ResponseStream.MoveNext(cancellationToken))
            {
            }
        }
        catch (RpcException)
        {
            // Everything was read before; how the call closes changes nothing.
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>The next answer; null at the end of the stream.</summary>
    public async ValueTask<DetokenizedText?> ReadAsync()
    {
        try
        {
            if (!await call.ResponseStream.MoveNext(cancellationToken))
                return null;
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, service, cancellationToken);
        }

        var answer = call.ResponseStream.Current;
        return new DetokenizedText(answer.Sequence, answer.Text, answer.TokensRead, answer.HasStop ? answer.Stop : null, answer.Final);
    }

    public void Dispose()
    {
        call.Dispose();
        _writing.Dispose();
    }

    private async Task WriteAsync(DetokenizeRequest message)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (!_completed)
                await call.RequestStream.WriteAsync(message, cancellationToken);
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, service, cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }
}

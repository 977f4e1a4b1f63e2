using System.Diagnostics.CodeAnalysis;

namespace Parley.Gateway.Chat;

/// <summary>
/// Reads the updates of one request and can tell whether the next is there already, so that an edge may write several before it flushes.
/// Disposal cancels the request and waits for it, whatever state the reading is in.
/// </summary>
internal sealed class ChatUpdateReader : IAsyncDisposable
{
    private readonly CancellationTokenSource _leaving;
    private readonly IAsyncEnumerator<ChatUpdate> _updates;
    private ValueTask<bool> _next;
    private bool _moving;

    public ChatUpdateReader(ChatPipeline pipeline, ChatRequest request, CancellationToken cancellationToken)
    {
        _leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _updates = pipeline.RunAsync(request, _leaving.Token).GetAsyncEnumerator(_leaving.Token);
    }

    public ChatUpdate Current => _updates.Current;

    /// <summary>Begins to move on; true where that needs no wait. <see cref="Current"/> is of no use after it.</summary>
    [SuppressMessage("Reliability", "CA2012", Justification = "Consumed once: by MoveNextAsync, or by DisposeAsync.")]
    public bool TryAdvance()
    {
        if (!_moving)
        {
            _moving = true;
            _next = _updates.MoveNextAsync();
        }

        return _next.IsCompleted;
    }

    public async ValueTask<bool> MoveNextAsync()
    {
        TryAdvance();
        try
        {
            return await _next;
        }
        finally
        {
            _moving = false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _leaving.CancelAsync();
        try
        {
            // An enumerator must not be disposed of while it moves.
            if (_moving)
                await _next;
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChatException)
        {
            // Nobody listens any more.
        }

        await _updates.DisposeAsync();
        _leaving.Dispose();
    }
}

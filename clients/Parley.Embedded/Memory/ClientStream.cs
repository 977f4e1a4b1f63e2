using System.Buffers;

namespace Parley.Embedded.Memory;

/// <summary>
/// The client's end of a connection in memory. As of a socket, it may be closed while somebody reads or writes: those end with an
/// <see cref="IOException"/>. One reads and one writes at a time.
/// </summary>
internal sealed class ClientStream(MemoryPipe pipe) : Stream
{
    private readonly Lock _gate = new();
    private Exception? _fault;
    private bool _isReading;
    private bool _isWriting;
    private bool _isClosed;

    /// <summary>Called once, when this end is closed.</summary>
    public event Action? Closed;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The server has broken off: reads and writes fail from now on.</summary>
    public void Break(Exception fault)
    {
        lock (_gate)
            _fault ??= fault;
        pipe.Input.CancelPendingRead();
        pipe.Output.CancelPendingFlush();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ThrowIfOver();
            _isReading = true;
        }

        try
        {
            while (true)
            {
                var result = await pipe.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
                var available = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, buffer.Length));
                available.CopyTo(buffer.Span);
                pipe.Input.AdvanceTo(available.End);
                if (available.Length > 0 || (buffer.Length == 0 && !result.Buffer.IsEmpty) || result.IsCompleted)
                    return (int)available.Length;
                lock (_gate)
                    ThrowIfOver();
            }
        }
        finally
        {
            lock (_gate)
            {
                _isReading = false;
                if (_isClosed)
                    pipe.Input.Complete();
            }
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ThrowIfOver();
            _isWriting = true;
        }

        try
        {
            var result = await pipe.Output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            lock (_gate)
                ThrowIfOver();
            if (result.IsCompleted)
                throw new IOException("The service has closed the connection.");
        }
        finally
        {
            lock (_gate)
            {
                _isWriting = false;
                if (_isClosed)
                    pipe.Output.Complete();
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Written is flushed.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            End();
        base.Dispose(disposing);
    }

    /// <summary>Whoever reads or writes is woken and completes its side when it has let go of it.</summary>
    private void End()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            if (_isReading)
                pipe.Input.CancelPendingRead();
            else
                pipe.Input.Complete();
            if (_isWriting)
                pipe.Output.CancelPendingFlush();
            else
                pipe.Output.Complete();
        }

        Closed?.Invoke();
    }

    private void ThrowIfOver()
    {
        if (_isClosed)
            throw new IOException("The connection was closed here.", new ObjectDisposedException(nameof(ClientStream)));
        if (_fault is not null)
            throw new IOException("The service has broken off the connection.", _fault);
    }
}

using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Parley.ModelImporter.Package;

/// <summary>
/// SHA-256 of a file while it grows: behind the threads that write it, one reads what is final, which the page cache still has, and
/// another has it written to the disk. So neither costs time of its own at the end. Both are threads of their own: on the pool they would
/// take the places of those that convert.
/// </summary>
internal sealed class TrailingHash : IDisposable
{
    private const int BufferBytes = 256 << 10;
    private const long FlushBytes = 64 << 20;

    private readonly DataFile _file;
    private readonly CancellationToken _cancellationToken;
    private readonly BlockingCollection<long> _ends = [];
    private readonly AutoResetEvent _isWritten = new(initialState: false);
    private readonly Task<string> _hash;
    private readonly Task _flush;
    private long _planned;
    private long _announced;
    private volatile bool _isWhole;

    public TrailingHash(DataFile file, CancellationToken cancellationToken)
    {
        (_file, _cancellationToken) = (file, cancellationToken);
        _hash = Task.Factory.StartNew(Hash, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _flush = Task.Factory.StartNew(Flush, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Says that all bytes before <paramref name="end"/> are written for good.</summary>
    public void Advance(long end)
    {
        if (end <= _planned)
            return;
        _planned = end;
        _ends.Add(end, CancellationToken.None);
        if (end - _announced < FlushBytes)
            return;
        _announced = end;
        _isWritten.Set();
    }

    /// <summary>Says that nothing more comes; the rest goes on by itself.</summary>
    public void End()
    {
        _ends.CompleteAdding();
        _isWhole = true;
        _isWritten.Set();
    }

    /// <summary>Waits for the rest.</summary>
    /// <returns>Lower-case hexadecimal.</returns>
    /// <exception cref="IOException">The disk did not take all of it.</exception>
    public string Complete()
    {
        End();
        _flush.GetAwaiter().GetResult();
        return _hash.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        End();
        // The file must outlive whoever reads it; what went wrong there, the caller has learnt from Complete, or has its own reason.
        Task.WhenAll(_hash, _flush)
            .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)
            .Wait(CancellationToken.None);
        _ends.Dispose();
        _isWritten.Dispose();
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        var start = 0L;
        foreach (var end in _ends.GetConsumingEnumerable(_cancellationToken))
        {
            while (start < end)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                var part = buffer.AsSpan(0, (int)Math.Min(BufferBytes, end - start));
                _file.Read(start, part);
                hash.AppendData(part);
                start += part.Length;
            }
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>A flush takes what was written when it began, so the last one begins when all is there.</summary>
    private void Flush()
    {
        for (var isLast = false; !isLast;)
        {
            _isWritten.WaitOne();
            _cancellationToken.ThrowIfCancellationRequested();
            isLast = _isWhole;
            _file.Flush();
        }
    }
}

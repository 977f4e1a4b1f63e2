using System.Buffers;
using System.Security.Cryptography;

namespace Parley.ModelImporter.Package;

/// <summary>
/// SHA-256 of a file while it grows: behind the threads that write it, one reads what is final, which the page cache still has, and has
/// it written to the disk. So neither costs time of its own at the end.
/// </summary>
internal sealed class TrailingHash(DataFile file, CancellationToken cancellationToken) : IDisposable
{
    private const int BufferBytes = 256 << 10;
    private const long FlushBytes = 256 << 20;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private Task _tail = Task.CompletedTask;
    private long _planned;
    private long _flushed;

    /// <summary>Says that all bytes before <paramref name="end"/> are written for good.</summary>
    public void Advance(long end)
    {
        if (end <= _planned)
            return;
        _tail = FollowAsync(_tail, _planned, end);
        _planned = end;
    }

    /// <summary>Waits for the rest.</summary>
    /// <returns>Lower-case hexadecimal.</returns>
    public string Complete()
    {
        _tail.GetAwaiter().GetResult();
        file.Flush();
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    public void Dispose()
    {
        // The file must outlive whoever reads it; what went wrong there, the caller has learnt from Complete, or has its own reason.
        _tail.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)
            .Wait(CancellationToken.None);
        _hash.Dispose();
    }

    private async Task FollowAsync(Task before, long start, long end)
    {
        await before.ConfigureAwait(false);
        await Task.Run(() => Hash(start, end), cancellationToken).ConfigureAwait(false);
    }

    private void Hash(long start, long end)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        while (start < end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = buffer.AsSpan(0, (int)Math.Min(BufferBytes, end - start));
            file.Read(start, part);
            _hash.AppendData(part);
            start += part.Length;
            if (start - _flushed >= FlushBytes)
            {
                file.Flush();
                _flushed = start;
            }
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }
}

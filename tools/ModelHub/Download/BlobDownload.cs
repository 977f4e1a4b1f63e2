using System.Net;
using Microsoft.Win32.SafeHandles;
using Parley.ModelHub.Cache;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Download;

/// <summary>
/// One blob on its way: parts come in any order over several connections, and its hash follows the bytes as far as they are there without
/// a gap, so that checking costs no second pass.
/// </summary>
internal sealed class BlobDownload : IDisposable
{
    private const int BufferBytes = 256 << 10;

    private readonly HubRequests _requests;
    private readonly HubSettings _settings;
    private readonly TimeProvider _time;
    private readonly HubCache _cache;
    private readonly Action<long> _advance;
    private readonly PartJournal _journal;
    private readonly SafeFileHandle _file;
    private readonly SemaphoreSlim _hashTurn = new(1);
    private readonly SemaphoreSlim _wholeTurn = new(1);
    private readonly byte[] _hashBuffer = new byte[1 << 20];
    private BlobHash _hash;
    private long _hashed;
    private long _flushed;
    private Task _flush = Task.CompletedTask;
    private int _open;
    private volatile bool _sendsWhole;

    /// <param name="requests">How to ask.</param>
    /// <param name="settings">Sizes and patience.</param>
    /// <param name="time">The clock of waits and silences.</param>
    /// <param name="cache">Where it grows.</param>
    /// <param name="file">What it is.</param>
    /// <param name="location">Where it is to be had.</param>
    /// <param name="advance">Told how many bytes came, or were lost again (negative).</param>
    public BlobDownload(
        HubRequests requests, HubSettings settings, TimeProvider time, HubCache cache, HubFile file, HubLocation location,
        Action<long> advance)
    {
        (_requests, _settings, _time, _cache, _advance, File, Location) = (requests, settings, time, cache, advance, file, location);
        _journal = PartJournal.Open(cache.JournalPath(file), cache.GrowingPath(file), file.Bytes, settings.PartBytes);
        _file = System.IO.File.OpenHandle(cache.GrowingPath(file), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        RandomAccess.SetLength(_file, file.Bytes);
        _hash = new BlobHash(file);
        Resumed = _journal.Total;
        _open = Math.Max(1, _journal.Parts);
    }

    public HubFile File { get; }

    public HubLocation Location { get; }

    /// <summary>Bytes that an earlier run had fetched.</summary>
    public long Resumed { get; }

    /// <summary>Parts to fetch; an empty file has one, which is empty.</summary>
    public int Parts => Math.Max(1, _journal.Parts);

    /// <summary>Fetches what a part still lacks.</summary>
    /// <returns>True when it was the last of the blob.</returns>
    /// <exception cref="HubException">The server cannot or does not give it.</exception>
    public async Task<bool> FetchPartAsync(int part, CancellationToken cancellationToken)
    {
        var (attempt, before) = (1, -1L);
        while (part < _journal.Parts && !_journal.IsComplete(part))
        {
            var count = _journal.CountOf(part);
            // A part that gets further has as many tries again.
            attempt = count > before ? 1 : attempt + 1;
            before = count;
            try
            {
                await ReadAsync(part, cancellationToken);
            }
            catch (Exception exception) when (exception is IOException and not FileNotFoundException || exception is HttpRequestException
                || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                ThrowIfDiskIsFull(exception);
                var place = (part * _journal.PartBytes) + _journal.CountOf(part);
                var failure = new HubException(
                    HubFailure.Unreachable, $"{File.Path}: the connection broke off at byte {place}", exception);
                await _requests.WaitAsync(failure, attempt, null, cancellationToken);
            }
        }

        return Interlocked.Decrement(ref _open) == 0;
    }

    /// <summary>Checks the whole and gives the blob its name; false where it is not what the Hub lists and must be fetched anew.</summary>
    public async Task<bool> FinishAsync(CancellationToken cancellationToken)
    {
        await FollowAsync(wait: true, cancellationToken);
        if (_hashed != File.Bytes || _hash.Finish() != File.BlobName)
        {
            StartAnew();
            return false;
        }

        try
        {
            await _flush;
            RandomAccess.FlushToDisk(_file);
        }
        catch (IOException exception)
        {
            ThrowIfDiskIsFull(exception);
            throw;
        }

        _file.Dispose();
        System.IO.File.Move(_cache.GrowingPath(File), _cache.BlobPath(File), overwrite: true);
        _journal.Dispose();
        System.IO.File.Delete(_cache.JournalPath(File));
        return true;
    }

    public void Dispose()
    {
        _file.Dispose();
        _journal.Dispose();
        _hash.Dispose();
        _hashTurn.Dispose();
        _wholeTurn.Dispose();
    }

    private void StartAnew()
    {
        _advance(-_journal.Total);
        for (var part = 0; part < _journal.Parts; part++)
            _journal.Set(part, 0);
        _hash.Dispose();
        _hash = new BlobHash(File);
        (_hashed, _flushed, _open) = (0, 0, Parts);
        Location.Forget();
    }

    private async Task ReadAsync(int part, CancellationToken cancellationToken)
    {
        if (_sendsWhole)
        {
            await ReadWholeAsync(null, cancellationToken);
            return;
        }

        var first = (part * _journal.PartBytes) + _journal.CountOf(part);
        var last = (part * _journal.PartBytes) + _journal.LengthOf(part) - 1;
        using var response = await _requests.GetAsync(
            Location, (first, last), [HttpStatusCode.RequestedRangeNotSatisfiable], cancellationToken);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            Location.Forget();
            throw new IOException($"{Location.Origin.Host} has no byte {first}, though it lists {File.Bytes} bytes.");
        }

        CheckHead(response, first, last);
        if (response.StatusCode == HttpStatusCode.PartialContent)
        {
            await CopyAsync(response, part, first, last, cancellationToken);
            return;
        }

        _sendsWhole = true;
        await ReadWholeAsync(response, cancellationToken);
    }

    /// <summary>The answer of a server that knows no ranges, from its beginning, over all parts; one at a time.</summary>
    private async Task ReadWholeAsync(HttpResponseMessage? answer, CancellationToken cancellationToken)
    {
        await _wholeTurn.WaitAsync(cancellationToken);
        try
        {
            if (_journal.Total == File.Bytes)
                return;
            using var response = answer ?? await _requests.GetAsync(Location, null, [], cancellationToken);
            CheckHead(response, 0, File.Bytes - 1);
            for (var part = 0; part < _journal.Parts; part++)
            {
                // What is there already is sent again, and is the same.
                _advance(-_journal.CountOf(part));
                _journal.Set(part, 0);
                var start = part * _journal.PartBytes;
                await CopyAsync(response, part, start, start + _journal.LengthOf(part) - 1, cancellationToken);
            }
        }
        finally
        {
            _wholeTurn.Release();
        }
    }

    private void CheckHead(HttpResponseMessage response, long first, long last)
    {
        var head = response.Content.Headers;
        if (head.ContentEncoding.Count > 0)
            throw Dishonest($"sends it compressed ({string.Join(", ", head.ContentEncoding)}), which was not asked for");
        if (response.StatusCode != HttpStatusCode.PartialContent)
        {
            if (head.ContentLength is { } bytes && bytes != File.Bytes)
                throw Dishonest($"sends {bytes} bytes, though it lists {File.Bytes}");
            return;
        }

        if (head.ContentRange is not { } range || range.From != first || range.To != last
            || (range.HasLength && range.Length != File.Bytes))
            throw Dishonest($"answered with '{head.ContentRange}' where bytes {first} to {last} of {File.Bytes} were asked for");
    }

    private async Task CopyAsync(HttpResponseMessage response, int part, long first, long last, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[BufferBytes];
        var (offset, start) = (first, part * _journal.PartBytes);
        while (offset <= last)
        {
            var read = await ReadSomeAsync(body, buffer.AsMemory(0, (int)Math.Min(buffer.Length, last + 1 - offset)), cancellationToken);
            if (read == 0)
                throw new IOException("The answer ended too early.");
            RandomAccess.Write(_file, buffer.AsSpan(0, read), offset);
            offset += read;
            _journal.Set(part, offset - start);
            _advance(read);
            await FollowAsync(wait: false, cancellationToken);
        }
    }

    private async ValueTask<int> ReadSomeAsync(Stream body, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(_settings.SilenceMax, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        return await body.ReadAsync(buffer, linked.Token);
    }

    /// <summary>Hashes what has come since without a gap; one thread at a time, the others go on reading.</summary>
    private async ValueTask FollowAsync(bool wait, CancellationToken cancellationToken)
    {
        if (!await _hashTurn.WaitAsync(wait ? Timeout.Infinite : 0, cancellationToken))
            return;
        try
        {
            var end = _journal.Frontier((int)(_hashed / _journal.PartBytes));
            while (_hashed < end)
            {
                var read = RandomAccess.Read(_file, _hashBuffer.AsSpan(0, (int)Math.Min(_hashBuffer.Length, end - _hashed)), _hashed);
                if (read == 0)
                    return;
                _hash.Append(_hashBuffer.AsSpan(0, read));
                _hashed += read;
            }

            FlushBehind();
        }
        finally
        {
            _hashTurn.Release();
        }
    }

    /// <summary>
    /// One flush at a time, on a thread of its own. What it finds wrong the disk says once, and <see cref="FinishAsync"/> repeats it.
    /// </summary>
    private void FlushBehind()
    {
        if (_hashed - _flushed < _settings.FlushBytes || !_flush.IsCompletedSuccessfully)
            return;
        _flushed = _hashed;
        _flush = Task.Factory.StartNew(
            () => RandomAccess.FlushToDisk(_file), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void ThrowIfDiskIsFull(Exception exception)
    {
        const int NoSpace = 28, DiskFull = unchecked((int)0x80070070);
        if (exception is IOException { HResult: NoSpace or DiskFull })
            throw new HubException(HubFailure.NoSpace, $"{_cache.Folder}: the disk is full; what was fetched so far is kept.", exception);
    }

    private HubException Dishonest(string what) => new(HubFailure.Dishonest, $"{File.Path}: {Location.Origin.Host} {what}.");
}

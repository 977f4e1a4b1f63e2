using System.Collections.Concurrent;

namespace Parley.ModelHub.Download;

/// <summary>The parts of all blobs, in order, over a fixed number of connections.</summary>
internal sealed class PartQueue(IReadOnlyList<BlobDownload> downloads, int connections)
{
    private readonly ConcurrentQueue<(BlobDownload Blob, int Part)> _queue =
        new(downloads.SelectMany(blob => Enumerable.Range(0, blob.Parts).Select(part => (blob, part))));

    private readonly ConcurrentDictionary<BlobDownload, bool> _refetched = new();

    /// <summary>Fetches everything; the first failure ends the rest.</summary>
    /// <exception cref="HubException">A blob could not be had, or is not what the Hub lists, twice.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var workers = Enumerable.Range(0, connections).Select(_ => Task.Run(() => WorkAsync(failed), CancellationToken.None)).ToArray();
        try
        {
            await Task.WhenAll(workers);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The failure that cancelled the others is the one to tell.
            throw workers.Where(worker => worker.IsFaulted).Select(worker => worker.Exception!.InnerException!).First();
        }
    }

    private async Task WorkAsync(CancellationTokenSource failed)
    {
        try
        {
            while (_queue.TryDequeue(out var item))
            {
                if (await item.Blob.FetchPartAsync(item.Part, failed.Token) && !await item.Blob.FinishAsync(failed.Token))
                    FetchAgain(item.Blob);
            }
        }
        catch
        {
            await failed.CancelAsync();
            throw;
        }
    }

    /// <summary>A damaged transfer is worth one more try; after that it is the server.</summary>
    private void FetchAgain(BlobDownload blob)
    {
        if (!_refetched.TryAdd(blob, true))
        {
            throw new HubException(HubFailure.Dishonest, $"{blob.File.Path}: what {blob.Location.Origin.Host} sends does not have the hash "
                + $"that it lists ({blob.File.BlobName}); it was fetched twice and is not kept.");
        }

        for (var part = 0; part < blob.Parts; part++)
            _queue.Enqueue((blob, part));
    }
}

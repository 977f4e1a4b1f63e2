namespace Parley.ModelHub.Cache;

/// <summary>Who may write a blob. The Hub's own tools take the same lock, and the system frees it when its holder dies.</summary>
internal sealed class BlobLock : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private readonly FileStream _file;

    private BlobLock(FileStream file) => _file = file;

    /// <summary>Waits until the lock is free.</summary>
    /// <param name="path">The lock's file; it stays behind, as the Hub's tools leave it.</param>
    /// <param name="waiting">Told once, when somebody else holds it.</param>
    /// <param name="time">The clock of the waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<BlobLock> TakeAsync(string path, Action waiting, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            try
            {
                return new BlobLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1));
            }
            catch (IOException) when (File.Exists(path))
            {
                if (isFirst)
                    waiting();
                await Task.Delay(Look, time, cancellationToken);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}

using System.Security.Cryptography;

namespace Parley.ModelImporter.Package;

/// <summary>SHA-256 of files of any length.</summary>
internal static class FileHash
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Hashes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="advance">Told the number of bytes after each buffer.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Lower-case hexadecimal.</returns>
    public static string Compute(string path, Action<long>? advance, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        var buffer = new byte[BufferBytes];
        for (long offset = 0; RandomAccess.Read(file, buffer, offset) is var read and > 0; offset += read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer.AsSpan(0, read));
            advance?.Invoke(read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

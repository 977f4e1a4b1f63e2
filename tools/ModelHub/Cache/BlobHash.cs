using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Cache;

/// <summary>The hash that names a blob: SHA-256 of a large file's bytes, Git's SHA-1 of a small one's.</summary>
internal sealed class BlobHash : IDisposable
{
    private readonly IncrementalHash _hash;

    public BlobHash(HubFile file)
    {
        // Git's object ids are SHA-1, and SHA-256 in repositories of the newer kind: the id's length tells.
        var isSha256 = file.BlobName.Length == 64;
        _hash = IncrementalHash.CreateHash(isSha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (file.Sha256 is null)
            _hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Bytes}\0")));
    }

    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <returns>Lower-case hexadecimal.</returns>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();

    /// <summary>Whether a file on this machine is the one that the Hub lists.</summary>
    public static bool Matches(string path, HubFile file, Action<long>? advance, CancellationToken cancellationToken)
    {
        using var handle = File.OpenHandle(path, options: FileOptions.SequentialScan);
        if (RandomAccess.GetLength(handle) != file.Bytes)
            return false;
        using var hash = new BlobHash(file);
        var buffer = new byte[1 << 20];
        for (long offset = 0; RandomAccess.Read(handle, buffer, offset) is > 0 and var read; offset += read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.Append(buffer.AsSpan(0, read));
            advance?.Invoke(read);
        }

        return hash.Finish() == file.BlobName;
    }
}

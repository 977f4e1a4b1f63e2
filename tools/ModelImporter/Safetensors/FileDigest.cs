using System.Buffers;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// The hash of a file that others read in an order of their own: SHA-256 over the hashes of its pieces, each of which is hashed when its
/// bytes are first wanted. So what an import reads comes from the disk once, and all cores hash.
/// </summary>
internal sealed class FileDigest : IDisposable
{
    /// <summary>Length of all pieces but the last.</summary>
    public const int PieceBytes = 4 << 20;

    private const int BufferBytes = 256 << 10;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly int[] _claims;
    private readonly byte[] _hashes;

    /// <exception cref="IOException">The file cannot be opened.</exception>
    public FileDigest(string path)
    {
        _path = path;
        _file = File.OpenHandle(path);
        Bytes = RandomAccess.GetLength(_file);
        var pieces = checked((int)((Bytes + PieceBytes - 1) / PieceBytes));
        _claims = new int[pieces];
        _hashes = new byte[pieces * SHA256.HashSizeInBytes];
    }

    /// <summary>Length of the file.</summary>
    public long Bytes { get; }

    /// <summary>Hashes the pieces that a part of the file lies in, those that nobody has yet; from any thread.</summary>
    public void Touch(long offset, long length)
    {
        for (var piece = offset / PieceBytes; piece * PieceBytes < offset + length && piece < _claims.Length; piece++)
            Hash((int)piece);
    }

    /// <summary>Hashes what is left.</summary>
    /// <param name="parallel">How many threads take part. Those that called <see cref="Touch"/> have ended.</param>
    /// <param name="advance">Told the length of each piece, from any thread.</param>
    /// <returns>Lower-case hexadecimal.</returns>
    /// <exception cref="InvalidDataException">The file has become shorter.</exception>
    public string Complete(ParallelOptions parallel, Action<long>? advance)
    {
        try
        {
            Parallel.For(0, _claims.Length, parallel, piece =>
            {
                Hash(piece);
                advance?.Invoke(LengthOf(piece));
            });
        }
        catch (AggregateException exception)
        {
            // The first failure alone is what the caller can act on.
            ExceptionDispatchInfo.Throw(exception.Flatten().InnerExceptions[0]);
        }

        return Convert.ToHexStringLower(SHA256.HashData(_hashes));
    }

    public void Dispose() => _file.Dispose();

    private int LengthOf(int piece) => (int)Math.Min(PieceBytes, Bytes - ((long)piece * PieceBytes));

    private void Hash(int piece)
    {
        if (Volatile.Read(ref _claims[piece]) != 0 || Interlocked.Exchange(ref _claims[piece], 1) != 0)
            return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        for (var (done, length) = (0, LengthOf(piece)); done < length;)
        {
            var wanted = Math.Min(BufferBytes, length - done);
            var read = RandomAccess.Read(_file, buffer.AsSpan(0, wanted), ((long)piece * PieceBytes) + done);
            if (read == 0)
                throw new InvalidDataException($"{_path}: the file shrank while it was read.");
            hash.AppendData(buffer.AsSpan(0, read));
            done += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        hash.GetHashAndReset(_hashes.AsSpan(piece * SHA256.HashSizeInBytes));
    }
}

using Microsoft.Win32.SafeHandles;

namespace Parley.ModelImporter.Package;

/// <summary>
/// <c>model.data</c> while it is written: allocated at once, so a full disk is known before any work, and written at offsets by many
/// threads.
/// </summary>
internal sealed class DataFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <exception cref="IOException">The disk has no room for it.</exception>
    public DataFile(string path, long bytes)
    {
        _handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.None, bytes);
        RandomAccess.SetLength(_handle, bytes);
    }

    /// <summary>Writes at an offset, from any thread.</summary>
    public void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_handle, bytes, offset);

    /// <summary>Reads back what was written, from any thread.</summary>
    public void Read(long offset, Span<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var read = RandomAccess.Read(_handle, bytes, offset);
            if (read == 0)
                throw new EndOfStreamException();
            offset += read;
            bytes = bytes[read..];
        }
    }

    public void Flush() => RandomAccess.FlushToDisk(_handle);

    public void Dispose() => _handle.Dispose();
}

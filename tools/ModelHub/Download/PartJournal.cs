using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Parley.ModelHub.Download;

/// <summary>
/// How far each part of a growing file has come, kept beside it: a pull that was killed goes on where it was. Bytes are written before they
/// are counted here, so what is counted is there; the hash at the end is what makes it certain.
/// </summary>
/// <remarks>Three numbers of 64 bits, little-endian: version, length of the file, length of a part; then one count for each part.</remarks>
internal sealed class PartJournal : IDisposable
{
    private const long Version = 1;
    private const int HeaderBytes = 24;

    /// <summary>What a process that is killed may lose of each part; a note for every read would be a system call for every read.</summary>
    private const long NoteBytes = 1 << 20;

    private readonly SafeFileHandle _handle;
    private readonly long[] _counts;
    private readonly long[] _noted;

    private PartJournal(SafeFileHandle handle, long bytes, long partBytes, long[] counts)
    {
        (_handle, Bytes, PartBytes, _counts, _noted) = (handle, bytes, partBytes, counts, [.. counts]);
    }

    public long Bytes { get; }

    public long PartBytes { get; }

    public int Parts => _counts.Length;

    /// <summary>Opens the journal of a growing file, or begins one.</summary>
    /// <param name="path">The journal.</param>
    /// <param name="growing">The file that grows; what an earlier run left counts only with its journal.</param>
    /// <param name="bytes">The file's length.</param>
    /// <param name="partBytes">Length of a part, where a journal is begun.</param>
    public static PartJournal Open(string path, string growing, long bytes, long partBytes)
    {
        var handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            if (File.Exists(growing) && Read(handle, bytes) is { } known)
                return known;
            RandomAccess.SetLength(handle, 0);
            var parts = (bytes + partBytes - 1) / partBytes;
            Span<byte> header = stackalloc byte[HeaderBytes];
            BinaryPrimitives.WriteInt64LittleEndian(header, Version);
            BinaryPrimitives.WriteInt64LittleEndian(header[8..], bytes);
            BinaryPrimitives.WriteInt64LittleEndian(header[16..], partBytes);
            RandomAccess.SetLength(handle, HeaderBytes + (8 * parts));
            RandomAccess.Write(handle, header, 0);
            return new PartJournal(handle, bytes, partBytes, new long[parts]);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public long LengthOf(int part) => Math.Min(PartBytes, Bytes - (part * PartBytes));

    public long CountOf(int part) => Volatile.Read(ref _counts[part]);

    public bool IsComplete(int part) => CountOf(part) == LengthOf(part);

    /// <summary>Bytes that are there.</summary>
    public long Total => Enumerable.Range(0, Parts).Sum(CountOf);

    /// <summary>Bytes that are there from the beginning without a gap.</summary>
    public long Frontier(int firstPart)
    {
        var part = firstPart;
        while (part < Parts && IsComplete(part))
            part++;
        return part == Parts ? Bytes : (part * PartBytes) + CountOf(part);
    }

    /// <summary>Counts bytes of a part that have been written; one writer for each part.</summary>
    public void Set(int part, long count)
    {
        // What is taken back is noted at once: a note must never say more than is there.
        if (count < _noted[part] || count - _noted[part] >= NoteBytes || count == LengthOf(part))
            Note(part, count);
        Volatile.Write(ref _counts[part], count);
    }

    /// <summary>Notes what was counted, and closes.</summary>
    public void Dispose()
    {
        if (_handle.IsClosed)
            return;
        for (var part = 0; part < Parts; part++)
        {
            if (_noted[part] != _counts[part])
                Note(part, _counts[part]);
        }

        _handle.Dispose();
    }

    private void Note(int part, long count)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, count);
        RandomAccess.Write(_handle, number, HeaderBytes + (8L * part));
        _noted[part] = count;
    }

    private static PartJournal? Read(SafeFileHandle handle, long bytes)
    {
        var length = RandomAccess.GetLength(handle);
        if (length is < HeaderBytes or > 1 << 26)
            return null;
        var content = new byte[length];
        if (RandomAccess.Read(handle, content, 0) != length || BinaryPrimitives.ReadInt64LittleEndian(content) != Version
            || BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(8)) != bytes)
            return null;
        var partBytes = BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(16));
        if (partBytes <= 0 || length != HeaderBytes + (8 * ((bytes + partBytes - 1) / partBytes)))
            return null;
        var counts = new long[(length - HeaderBytes) / 8];
        for (var part = 0; part < counts.Length; part++)
        {
            counts[part] = BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(HeaderBytes + (8 * part)));
            if (counts[part] < 0 || counts[part] > Math.Min(partBytes, bytes - (part * partBytes)))
                return null;
        }

        return new PartJournal(handle, bytes, partBytes, counts);
    }
}

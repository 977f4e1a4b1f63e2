using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;

namespace Parley.Generator.Execution.Cuda;

/// <summary>For which cards a library holds kernels, read from the headers of its fat binaries.</summary>
/// <param name="Native">Compute capabilities of compiled code: it runs on cards of the same major number and no smaller minor one.</param>
/// <param name="Portable">Those of PTX, which the driver compiles for any newer card.</param>
internal sealed record CardCode(IReadOnlyList<Version> Native, IReadOnlyList<Version> Portable)
{
    private const uint Magic = 0xBA55ED50;
    private const int HeaderBytes = 16;
    private const int EntryBytesMin = 32;
    private const int CapabilityOffset = 28;
    private const ushort Ptx = 1;
    private const ushort Compiled = 2;
    private const long WindowBytes = 64 << 20;

    /// <summary>The code of ONNX Runtime's CUDA provider; null where there is none, or it cannot be read.</summary>
    public static CardCode? OfProvider(ILibraryProbe probe) =>
        probe.FindFile(CudaLibraries.Providers) is { } path ? Read(path) : null;

    /// <summary>Reads a library; null where it holds no fat binary that is understood, which says nothing.</summary>
    public static unsafe CardCode? Read(string path)
    {
        var length = new FileInfo(path).Length;
        if (length == 0)
            return null;
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using var view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            var (native, portable) = (new SortedSet<Version>(), new SortedSet<Version>());
            for (long position = 0; Find(start, position, length) is var binary and >= 0;)
                position = ReadBinary(start, binary, length, native, portable);
            return native.Count + portable.Count == 0 ? null : new CardCode([.. native], [.. portable]);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    /// <summary>Whether some of the code runs on a card.</summary>
    public bool Runs(Version capability) =>
        Native.Any(code => code.Major == capability.Major && code.Minor <= capability.Minor) || Portable.Any(code => code <= capability);

    /// <summary>What is wrong where it does not.</summary>
    public string Fault(Version capability) =>
        $"compute capability {capability}, and {CudaLibraries.Providers} holds kernels for {string.Join(", ", Native)} and "
        + $"{(Portable.Count == 0 ? "no PTX" : $"PTX for {string.Join(", ", Portable)}")}, of which none runs on it. Put a build of ONNX "
        + "Runtime for this card beside the program, or a plug-in library (docs/cuda.md, ways 2 and 3).";

    private static unsafe long Find(byte* start, long position, long length)
    {
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, Magic);
        for (; position + HeaderBytes <= length; position += WindowBytes - magic.Length)
        {
            var window = new ReadOnlySpan<byte>(start + position, (int)Math.Min(WindowBytes, length - position));
            if (window.IndexOf(magic) is var found and >= 0)
                return position + found;
        }

        return -1;
    }

    /// <summary>Reads one fat binary; returns where to look for the next.</summary>
    private static unsafe long ReadBinary(byte* start, long binary, long length, SortedSet<Version> native, SortedSet<Version> portable)
    {
        // magic, version 1, bytes of the header, bytes of the entries
        var next = binary + sizeof(uint);
        if (binary + HeaderBytes > length)
            return length;
        var header = new ReadOnlySpan<byte>(start + binary, HeaderBytes);
        var payload = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) != 1 || BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) != HeaderBytes
            || payload > (ulong)(length - binary - HeaderBytes))
            return next;
        var end = binary + HeaderBytes + (long)payload;
        for (var position = binary + HeaderBytes; position + EntryBytesMin <= end;)
        {
            // kind, version, bytes of the header, bytes of the code; at 28 ten times the compute capability
            var entry = new ReadOnlySpan<byte>(start + position, EntryBytesMin);
            var kind = BinaryPrimitives.ReadUInt16LittleEndian(entry);
            var bytes = BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]);
            var capability = BinaryPrimitives.ReadUInt32LittleEndian(entry[CapabilityOffset..]);
            if (kind is not (Ptx or Compiled) || capability is < 10 or > 9999 || bytes > (ulong)(end - position))
                break;
            (kind == Ptx ? portable : native).Add(new Version((int)capability / 10, (int)capability % 10));
            position += BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]) + (long)bytes;
        }

        return end;
    }
}

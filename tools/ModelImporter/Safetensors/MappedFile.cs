using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Parley.ModelImporter.Safetensors;

/// <summary>A file mapped into memory: it is read where it lies, so one of any size costs no memory of its own.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private const int AdviseNotNeeded = 4;

    private readonly MemoryMappedFile? _mapping;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _data;

    /// <exception cref="InvalidDataException">The file is empty or shrinks.</exception>
    public MappedFile(string path)
    {
        Bytes = SourceFile.Length(path);
        if (Bytes == 0)
            throw new InvalidDataException($"{path}: the file is empty.");
        _mapping = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        if (_view.Capacity < Bytes)
            throw new InvalidDataException($"{path}: the file shrank while it was opened.");
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _data);
    }

    /// <summary>Length of the file.</summary>
    public long Bytes { get; }

    /// <summary>A part of the file.</summary>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Bytes - length);
        return new ReadOnlySpan<byte>(_data + offset, length);
    }

    /// <summary>Gives back the memory that read pages take in this process; the next read maps them again.</summary>
    public void Release()
    {
        if (!OperatingSystem.IsWindows() && _data is not null)
            _ = Advise(_data, (nuint)Bytes, AdviseNotNeeded);
    }

    public void Dispose()
    {
        if (_data is not null)
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _mapping?.Dispose();
    }

    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int Advise(byte* start, nuint length, int advice);
}

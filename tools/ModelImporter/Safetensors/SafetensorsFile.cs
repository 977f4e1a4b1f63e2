using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// An open <c>.safetensors</c> file, mapped into memory: tensors are read where they lie, so a model of any size costs no memory of its
/// own.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    private const int AdviseNotNeeded = 4;

    private readonly MemoryMappedFile? _mapping;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _data;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidDataException">The file is malformed; the message names it, the tensor and the field.</exception>
    public SafetensorsFile(string path)
    {
        Path = path;
        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.None);
        Bytes = RandomAccess.GetLength(handle);
        Span<byte> prefix = stackalloc byte[8];
        var header = new byte[SafetensorsHeader.ReadLength(prefix[..ReadFully(handle, prefix, 0)], Bytes, path)];
        if (ReadFully(handle, header, prefix.Length) != header.Length)
            throw new InvalidDataException($"{path}: the file ends within its header.");
        Tensors = SafetensorsHeader.Parse(header, Bytes, path);

        _mapping = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        if (_view.Capacity < Bytes)
            throw new InvalidDataException($"{path}: the file shrank while it was opened.");
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _data);
    }

    public string Path { get; }

    /// <summary>Length of the file.</summary>
    public long Bytes { get; }

    /// <summary>Its tensors, in order of their offsets.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The element type of a tensor.</summary>
    /// <exception cref="InvalidDataException">The type is none of F32, F16, BF16.</exception>
    public SafetensorsType TypeOf(SafetensorsTensor tensor) => tensor.TypeName switch
    {
        "F32" => SafetensorsType.Float32,
        "F16" => SafetensorsType.Float16,
        "BF16" => SafetensorsType.BFloat16,
        _ => throw new InvalidDataException($"{Path}: tensor {tensor.Name}: dtype {tensor.TypeName} is not one of F32, F16, BF16."),
    };

    /// <summary>Reads elements as fp32.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="first">Index of the first element.</param>
    /// <param name="values">Takes the elements.</param>
    public void Read(SafetensorsTensor tensor, long first, Span<float> values)
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        var type = TypeOf(tensor);
        var size = type == SafetensorsType.Float32 ? sizeof(float) : sizeof(ushort);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((first + values.Length) * size, tensor.Bytes);
        FloatDecoder.Decode(type, new ReadOnlySpan<byte>(_data + tensor.Offset + (first * size), values.Length * size), values);
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

    private static int ReadFully(SafeFileHandle handle, Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length && RandomAccess.Read(handle, buffer[total..], offset + total) is var read and > 0)
            total += read;
        return total;
    }
}

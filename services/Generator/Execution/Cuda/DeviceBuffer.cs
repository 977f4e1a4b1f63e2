using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Cuda;

/// <summary>A piece of memory for the life of a runner, on the device or pinned on the host, that tensors are views of.</summary>
internal sealed unsafe class DeviceBuffer : IDisposable
{
    private readonly IDeviceMemory _memory;
    private readonly bool _pinned;

    public DeviceBuffer(IDeviceMemory memory, long bytes, bool pinned = false)
    {
        _memory = memory;
        _pinned = pinned;
        Bytes = bytes;
        Address = pinned ? memory.AllocatePinned(bytes) : memory.Allocate(bytes);
    }

    public IntPtr Address { get; private set; }

    public long Bytes { get; }

    /// <summary>Pinned memory as the host sees it.</summary>
    public Span<T> Span<T>(long offset, int count)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(Address == 0, this);
        if (!_pinned)
            throw new InvalidOperationException("The host does not see the device's memory.");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + ((long)count * sizeof(T)), Bytes);
        return new Span<T>((byte*)Address + offset, count);
    }

    /// <summary>A tensor over a part of it; the buffer must outlive it.</summary>
    public OrtValue View(TensorElementType type, long offset, long bytes, long[] shape)
    {
        ObjectDisposedException.ThrowIf(Address == 0, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + bytes, Bytes);
        var info = _pinned ? OrtMemoryInfo.DefaultInstance : _memory.Info;
        return OrtValue.CreateTensorValueWithData(info, type, shape, Address + (nint)offset, bytes);
    }

    public void Dispose()
    {
        if (Address == 0)
            return;
        if (_pinned)
            _memory.FreePinned(Address);
        else
            _memory.Free(Address);
        Address = 0;
    }
}

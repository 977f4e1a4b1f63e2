using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution;

/// <summary>Native memory that tensors are views of; aligned to cache lines and never moved. Not initialised.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const int AlignmentBytes = 64;

    private void* _start;

    public AlignedBuffer(long bytes)
    {
        Bytes = bytes;
        _start = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, AlignmentBytes), AlignmentBytes);
    }

    public long Bytes { get; }

    public IntPtr Address => (IntPtr)_start;

    public Span<T> Span<T>(int count)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)count * sizeof(T), Bytes);
        return new Span<T>(_start, count);
    }

    /// <summary>Bytes from a place on.</summary>
    public ReadOnlySpan<byte> BytesAt(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Bytes - offset);
        return new ReadOnlySpan<byte>((byte*)_start + offset, count);
    }

    /// <summary>A tensor over the first bytes; the buffer must outlive it.</summary>
    public OrtValue View(TensorElementType type, int elementBytes, params long[] shape) => ViewAt(0, type, elementBytes, shape);

    /// <summary>A tensor over bytes from a place on; the buffer must outlive it.</summary>
    public OrtValue ViewAt(long offset, TensorElementType type, int elementBytes, params long[] shape)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        long bytes = elementBytes;
        foreach (var dimension in shape)
            bytes = checked(bytes * dimension);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Bytes - offset);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, shape, Address + (nint)offset, bytes);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}

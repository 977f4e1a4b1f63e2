using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution.Cuda;

/// <summary>The host's own memory in the place of a device's: everything of the CUDA path but the device runs on it.</summary>
/// <param name="bytesMax">What it pretends to have.</param>
internal sealed unsafe class RehearsalMemory(long bytesMax = 1L << 30) : IDeviceMemory
{
    private const int AlignmentBytes = 256;
    private readonly Dictionary<IntPtr, long> _allocated = [];

    public string Name => "CPU in rehearsal of CUDA";

    public OrtMemoryInfo Info => OrtMemoryInfo.DefaultInstance;

    public IntPtr Stream => 0;

    public bool OrdersSteps => true;

    public (long Free, long Total) Measure() => (bytesMax - _allocated.Values.Sum(), bytesMax);

    public IntPtr Allocate(long bytes)
    {
        if (bytes > Measure().Free)
            throw new InvalidOperationException($"{Name}: {bytes} bytes are not free.");
        return AllocatePinned(bytes);
    }

    public void Free(IntPtr address) => FreePinned(address);

    public IntPtr AllocatePinned(long bytes)
    {
        var address = (IntPtr)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), AlignmentBytes);
        // As a device's: nobody may count on zeros.
        new Span<byte>((void*)address, (int)Math.Min(bytes, int.MaxValue)).Fill(0xFF);
        _allocated.Add(address, bytes);
        return address;
    }

    public void FreePinned(IntPtr address)
    {
        if (_allocated.Remove(address))
            NativeMemory.AlignedFree((void*)address);
    }

    public void Clear(IntPtr address, long bytes) => NativeMemory.Clear((void*)address, (nuint)bytes);

    public void Upload(IntPtr device, IntPtr host, long bytes) => Copy(device, host, bytes);

    public void Download(IntPtr host, IntPtr device, long bytes) => Copy(host, device, bytes);

    public void Copy(IntPtr destination, IntPtr source, long bytes) =>
        Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);

    public void Synchronize()
    {
    }

    public void Dispose()
    {
        foreach (var address in _allocated.Keys.ToList())
            FreePinned(address);
    }
}

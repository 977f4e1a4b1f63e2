using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution.Cuda;

/// <summary>The memory of one GPU, and a stream in which copies and steps follow one another.</summary>
internal sealed class CudaMemory : IDeviceMemory
{
    private readonly CudaRuntime _runtime;
    private readonly int _device;

    /// <exception cref="InvalidOperationException">There is no such device, or it fails.</exception>
    public CudaMemory(CudaRuntime runtime, int device, bool ordersSteps)
    {
        OrdersSteps = ordersSteps;
        _runtime = runtime;
        _device = device;
        runtime.SetDevice(device);
        Capability = runtime.Capability(device);
        Name = $"CUDA {device} ({runtime.DeviceName(device)})";
        Info = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, device, OrtMemType.Default);
        Stream = runtime.CreateStream();
    }

    public string Name { get; }

    public Version Capability { get; }

    public bool OrdersSteps { get; }

    public OrtMemoryInfo Info { get; }

    public IntPtr Stream { get; private set; }

    public (long Free, long Total) Measure()
    {
        _runtime.SetDevice(_device);
        return _runtime.MemoryInfo();
    }

    public IntPtr Allocate(long bytes)
    {
        _runtime.SetDevice(_device);
        return _runtime.Malloc(Math.Max(bytes, 1));
    }

    public void Free(IntPtr address) => _runtime.Free(address);

    public IntPtr AllocatePinned(long bytes)
    {
        _runtime.SetDevice(_device);
        return _runtime.HostAlloc(Math.Max(bytes, 1));
    }

    public void FreePinned(IntPtr address) => _runtime.FreeHost(address);

    public void Clear(IntPtr address, long bytes) => _runtime.ClearAsync(address, bytes, Stream);

    public void Upload(IntPtr device, IntPtr host, long bytes) => _runtime.CopyAsync(device, host, bytes, Stream);

    public void Download(IntPtr host, IntPtr device, long bytes) => _runtime.CopyAsync(host, device, bytes, Stream);

    public void Copy(IntPtr destination, IntPtr source, long bytes) => _runtime.CopyAsync(destination, source, bytes, Stream);

    public void Synchronize() => _runtime.Synchronize(Stream);

    public void Dispose()
    {
        if (Stream == 0)
            return;
        _runtime.DestroyStream(Stream);
        Stream = 0;
        Info.Dispose();
    }
}

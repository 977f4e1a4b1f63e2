using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// The memory of a device and of the host beside it. Copies are queued in the order of the steps and done after
/// <see cref="Synchronize"/>. Used by one thread.
/// </summary>
internal interface IDeviceMemory : IDisposable
{
    /// <summary>The device, e.g. <c>CUDA 0 (NVIDIA H100 80GB HBM3)</c>.</summary>
    string Name { get; }

    /// <summary>Where tensors over device memory lie.</summary>
    OrtMemoryInfo Info { get; }

    /// <summary>The queue of copies and steps; 0 where there is none.</summary>
    IntPtr Stream { get; }

    /// <summary>Whether the model's steps run in <see cref="Stream"/>, too; where not, each side waits for the other.</summary>
    bool OrdersSteps { get; }

    /// <summary>Bytes that are free, and all.</summary>
    (long Free, long Total) Measure();

    /// <exception cref="InvalidOperationException">The device has no room.</exception>
    IntPtr Allocate(long bytes);

    void Free(IntPtr address);

    /// <summary>Memory of the host that the device reads and writes without a detour.</summary>
    IntPtr AllocatePinned(long bytes);

    void FreePinned(IntPtr address);

    /// <summary>Sets device memory to zero.</summary>
    void Clear(IntPtr address, long bytes);

    void Upload(IntPtr device, IntPtr host, long bytes);

    void Download(IntPtr host, IntPtr device, long bytes);

    /// <summary>Copies within the device.</summary>
    void Copy(IntPtr destination, IntPtr source, long bytes);

    /// <summary>Waits for all that was queued.</summary>
    void Synchronize();
}

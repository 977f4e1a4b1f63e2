using System.Runtime.InteropServices;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// The few calls of CUDA's runtime library that the managed ONNX Runtime does not wrap: memory, copies, a stream. It is the library that
/// ONNX
/// Runtime's provider loads, too, so both share its state.
/// </summary>
internal sealed unsafe class CudaRuntime
{
    public const string LibraryName = "libcudart.so.13";

    private const int PropertiesBytes = 16 * 1024;
    private const int NameBytes = 256;
    private const uint StreamNonBlocking = 1;
    private const uint HostAllocDefault = 0;
    private const int CopyDefault = 4;
    private const int MajorAttribute = 75;
    private const int MinorAttribute = 76;

    private readonly IntPtr _library;

    /// <param name="library">Handle of <see cref="LibraryName"/>; never freed, since the device's state lives in it.</param>
    public CudaRuntime(IntPtr library) => _library = library;

    public int DeviceCount
    {
        get
        {
            int count;
            Check(((delegate* unmanaged<int*, int>)Export("cudaGetDeviceCount"))(&count), "cudaGetDeviceCount");
            return count;
        }
    }

    /// <summary>Makes a device the calling thread's own.</summary>
    public void SetDevice(int device) => Check(((delegate* unmanaged<int, int>)Export("cudaSetDevice"))(device), "cudaSetDevice");

    public string DeviceName(int device)
    {
        var properties = stackalloc byte[PropertiesBytes];
        Check(((delegate* unmanaged<byte*, int, int>)Export("cudaGetDeviceProperties"))(properties, device), "cudaGetDeviceProperties");
        properties[NameBytes - 1] = 0;
        return Marshal.PtrToStringUTF8((IntPtr)properties) ?? "";
    }

    /// <summary>Compute capability, e.g. 9.0 for Hopper.</summary>
    public Version Capability(int device) => new(Attribute(MajorAttribute, device), Attribute(MinorAttribute, device));

    public (long Free, long Total) MemoryInfo()
    {
        nuint free, total;
        Check(((delegate* unmanaged<nuint*, nuint*, int>)Export("cudaMemGetInfo"))(&free, &total), "cudaMemGetInfo");
        return ((long)free, (long)total);
    }

    public IntPtr Malloc(long bytes)
    {
        void* address;
        Check(((delegate* unmanaged<void**, nuint, int>)Export("cudaMalloc"))(&address, (nuint)bytes), $"cudaMalloc of {bytes} bytes");
        return (IntPtr)address;
    }

    public void Free(IntPtr address) => Check(((delegate* unmanaged<IntPtr, int>)Export("cudaFree"))(address), "cudaFree");

    public IntPtr HostAlloc(long bytes)
    {
        void* address;
        var allocate = (delegate* unmanaged<void**, nuint, uint, int>)Export("cudaHostAlloc");
        Check(allocate(&address, (nuint)bytes, HostAllocDefault), $"cudaHostAlloc of {bytes} bytes");
        return (IntPtr)address;
    }

    public void FreeHost(IntPtr address) => Check(((delegate* unmanaged<IntPtr, int>)Export("cudaFreeHost"))(address), "cudaFreeHost");

    /// <summary>Queues a copy; the direction follows from the addresses.</summary>
    public void CopyAsync(IntPtr destination, IntPtr source, long bytes, IntPtr stream)
    {
        var copy = (delegate* unmanaged<IntPtr, IntPtr, nuint, int, IntPtr, int>)Export("cudaMemcpyAsync");
        Check(copy(destination, source, (nuint)bytes, CopyDefault, stream), "cudaMemcpyAsync");
    }

    public void ClearAsync(IntPtr address, long bytes, IntPtr stream)
    {
        var clear = (delegate* unmanaged<IntPtr, int, nuint, IntPtr, int>)Export("cudaMemsetAsync");
        Check(clear(address, 0, (nuint)bytes, stream), "cudaMemsetAsync");
    }

    /// <summary>A stream that does not wait for the default one.</summary>
    public IntPtr CreateStream()
    {
        IntPtr stream;
        var create = (delegate* unmanaged<IntPtr*, uint, int>)Export("cudaStreamCreateWithFlags");
        Check(create(&stream, StreamNonBlocking), "cudaStreamCreateWithFlags");
        return stream;
    }

    public void DestroyStream(IntPtr stream) =>
        Check(((delegate* unmanaged<IntPtr, int>)Export("cudaStreamDestroy"))(stream), "cudaStreamDestroy");

    public void Synchronize(IntPtr stream) =>
        Check(((delegate* unmanaged<IntPtr, int>)Export("cudaStreamSynchronize"))(stream), "cudaStreamSynchronize");

    private int Attribute(int attribute, int device)
    {
        int value;
        var get = (delegate* unmanaged<int*, int, int, int>)Export("cudaDeviceGetAttribute");
        Check(get(&value, attribute, device), "cudaDeviceGetAttribute");
        return value;
    }

    private void* Export(string name) => (void*)NativeLibrary.GetExport(_library, name);

    private void Check(int error, string call)
    {
        if (error == 0)
            return;
        var text = (IntPtr)((delegate* unmanaged<int, byte*>)Export("cudaGetErrorString"))(error);
        throw new InvalidOperationException($"CUDA: {call} failed with {error}: {Marshal.PtrToStringUTF8(text)}.");
    }
}

using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Runtime;

namespace Parley.Generator.Execution.Cuda;

/// <summary>The one call of ONNX Runtime's C API that the CUDA path needs and the managed package does not wrap.</summary>
internal static unsafe class CudaProviderApi
{
    private const uint ApiVersion = 23;

    /// <summary>Makes the provider run in our stream. As a text among the other options the address is lost: the provider then takes the
    /// default stream, in which nothing can be captured.</summary>
    /// <exception cref="InvalidOperationException">ONNX Runtime refuses.</exception>
    public static void SetStream(OrtCUDAProviderOptions options, IntPtr stream)
    {
        OnnxRuntimeEnvironment.EnsureCreated();
        var api = ((delegate* unmanaged<uint, OrtApi*>)(*(IntPtr*)OrtGetApiBase()))(ApiVersion);
        var update = (delegate* unmanaged<IntPtr, byte*, IntPtr, IntPtr>)api->UpdateCUDAProviderOptionsWithValue;
        var key = Marshal.StringToCoTaskMemUTF8(CudaProviderOptions.StreamKey);
        try
        {
            var status = update(options.DangerousGetHandle(), (byte*)key, stream);
            GC.KeepAlive(options);
            if (status == 0)
                return;
            var message = Marshal.PtrToStringUTF8((IntPtr)((delegate* unmanaged<IntPtr, byte*>)api->GetErrorMessage)(status));
            ((delegate* unmanaged<IntPtr, void>)api->ReleaseStatus)(status);
            throw new InvalidOperationException($"ONNX Runtime: {message}");
        }
        finally
        {
            Marshal.FreeCoTaskMem(key);
        }
    }

    [DllImport("onnxruntime", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern void* OrtGetApiBase();
}

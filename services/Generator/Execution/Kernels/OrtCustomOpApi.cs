using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution.Runtime;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The part of ONNX Runtime's C API that the managed package does not wrap: custom operators and what their kernels call.
/// </summary>
/// <remarks>Faults come back as exceptions here and go out as statuses at the callbacks: no exception may cross the boundary.</remarks>
internal static unsafe class OrtCustomOpApi
{
    /// <summary>Old enough for every package since 1.23, new enough for all that is used.</summary>
    private const uint ApiVersion = 23;

    private const int ErrorFail = 1;

    private static readonly OrtApi Api = LoadApi();

    /// <summary>A domain; it and its operators live as long as the process.</summary>
    public static IntPtr CreateDomain(string name)
    {
        IntPtr domain;
        var nativeName = (byte*)Marshal.StringToCoTaskMemUTF8(name);
        Check(((delegate* unmanaged<byte*, IntPtr*, IntPtr>)Api.CreateCustomOpDomain)(nativeName, &domain));
        return domain;
    }

    public static void AddOp(IntPtr domain, OrtCustomOp* op) =>
        Check(((delegate* unmanaged<IntPtr, OrtCustomOp*, IntPtr>)Api.CustomOpDomain_Add)(domain, op));

    public static void AddDomain(SessionOptions options, IntPtr domain)
    {
        Check(((delegate* unmanaged<IntPtr, IntPtr, IntPtr>)Api.AddCustomOpDomain)(options.DangerousGetHandle(), domain));
        GC.KeepAlive(options);
    }

    /// <summary>A status for ONNX Runtime, which releases it.</summary>
    public static void* CreateStatus(string message)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(message) + 1];
        Encoding.UTF8.GetBytes(message, bytes);
        fixed (byte* text = bytes)
            return ((delegate* unmanaged<int, byte*, void*>)Api.CreateStatus)(ErrorFail, text);
    }

    /// <summary>An integer attribute, or the default where the node has none.</summary>
    public static long GetInteger(void* info, ReadOnlySpan<byte> name, long missing)
    {
        long value;
        fixed (byte* text = name)
        {
            return Succeeded(((delegate* unmanaged<void*, byte*, long*, IntPtr>)Api.KernelInfoGetAttribute_int64)(info, text, &value))
                ? value
                : missing;
        }
    }

    /// <summary>A list of integers; null where the node has no such attribute.</summary>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="countMax"/>.</exception>
    public static long[]? GetIntegers(void* info, ReadOnlySpan<byte> name, int countMax)
    {
        var get = (delegate* unmanaged<void*, byte*, long*, nuint*, IntPtr>)Api.KernelInfoGetAttributeArray_int64;
        nuint count = 0;
        fixed (byte* text = name)
        {
            if (!Succeeded(get(info, text, null, &count)))
                return null;
            if (count > (nuint)countMax)
                throw new InvalidDataException($"a list of {count} numbers, not of at most {countMax}");
            var values = new long[count];
            fixed (long* first = values)
                Check(get(info, text, first, &count));
            return values;
        }
    }

    /// <summary>The node's name in the graph; empty where it has none.</summary>
    public static string GetNodeName(void* info)
    {
        var get = (delegate* unmanaged<void*, byte*, nuint*, IntPtr>)Api.KernelInfo_GetNodeName;
        nuint bytes = 0;
        Check(get(info, null, &bytes));
        var name = new byte[checked((int)bytes)];
        fixed (byte* text = name)
            Check(get(info, text, &bytes));
        return Encoding.UTF8.GetString(name).TrimEnd('\0');
    }

    /// <summary>A float attribute, or the default where the node has none.</summary>
    public static float GetFloat(void* info, ReadOnlySpan<byte> name, float missing)
    {
        float value;
        fixed (byte* text = name)
        {
            return Succeeded(((delegate* unmanaged<void*, byte*, float*, IntPtr>)Api.KernelInfoGetAttribute_float)(info, text, &value))
                ? value
                : missing;
        }
    }

    /// <summary>An input's memory, and its dimensions in <paramref name="shape"/>; null where the node leaves the input out.</summary>
    /// <exception cref="InvalidDataException">The input has another number of dimensions.</exception>
    public static void* GetInput(void* context, int index, Span<long> shape) => GetInput(context, index, shape, out _);

    /// <summary>The same, and the type of its elements.</summary>
    /// <exception cref="InvalidDataException">The input has another number of dimensions.</exception>
    public static void* GetInput(void* context, int index, Span<long> shape, out TensorElementType type)
    {
        type = default;
        IntPtr value;
        Check(((delegate* unmanaged<void*, nuint, IntPtr*, IntPtr>)Api.KernelContext_GetInput)(context, (nuint)index, &value));
        return value == 0 ? null : GetData(value, index, shape, out type);
    }

    /// <summary>
    /// A constant input's memory, which stays where it is as long as the session, and its dimensions in <paramref name="shape"/>; null
    /// where the input is left out or computed.
    /// </summary>
    /// <exception cref="InvalidDataException">The input has another number of dimensions.</exception>
    public static void* GetConstant(void* info, int index, Span<long> shape)
    {
        int isConstant;
        IntPtr value;
        var get = (delegate* unmanaged<void*, nuint, int*, IntPtr*, IntPtr>)Api.KernelInfoGetConstantInput_tensor;
        Check(get(info, (nuint)index, &isConstant, &value));
        return isConstant == 0 || value == 0 ? null : GetData(value, index, shape, out _);
    }

    /// <summary>Makes an output of the given shape and returns its memory; null where it has no
    /// elements or the node leaves it out.</summary>
    public static void* GetOutput(void* context, long rows, long columns, int output = 0)
    {
        IntPtr value;
        var shape = stackalloc long[] { rows, columns };
        var get = (delegate* unmanaged<void*, nuint, long*, nuint, IntPtr*, IntPtr>)Api.KernelContext_GetOutput;
        Check(get(context, (nuint)output, shape, 2, &value));
        return value == 0 ? null : GetData(value);
    }

    /// <summary>
    /// Runs the callback for 0 to <paramref name="count"/> − 1 on the session's own threads and returns when all are done.
    /// </summary>
    public static void ParallelFor(void* context, delegate* unmanaged[Cdecl]<void*, nuint, void> callback, int count, void* state)
    {
        var run = (delegate* unmanaged<void*, void*, nuint, nuint, void*, IntPtr>)Api.KernelContext_ParallelFor;
        // As many batches as units: threads then take units one by one, which evens out their very different lengths.
        Check(run(context, (void*)callback, (nuint)count, (nuint)count, state));
    }

    private static void* GetData(IntPtr value, int index, Span<long> shape, out TensorElementType type)
    {
        IntPtr info;
        Check(((delegate* unmanaged<IntPtr, IntPtr*, IntPtr>)Api.GetTensorTypeAndShape)(value, &info));
        try
        {
            nuint rank;
            Check(((delegate* unmanaged<IntPtr, nuint*, IntPtr>)Api.GetDimensionsCount)(info, &rank));
            if ((int)rank != shape.Length)
                throw new InvalidDataException($"input {index} has {rank} dimensions, not {shape.Length}");
            fixed (long* dimensions = shape)
                Check(((delegate* unmanaged<IntPtr, long*, nuint, IntPtr>)Api.GetDimensions)(info, dimensions, rank));
            int elements;
            Check(((delegate* unmanaged<IntPtr, int*, IntPtr>)Api.GetTensorElementType)(info, &elements));
            type = (TensorElementType)elements;
        }
        finally
        {
            ((delegate* unmanaged<IntPtr, void>)Api.ReleaseTensorTypeAndShapeInfo)(info);
        }

        return GetData(value);
    }

    private static void* GetData(IntPtr value)
    {
        void* data;
        Check(((delegate* unmanaged<IntPtr, void**, IntPtr>)Api.GetTensorMutableData)(value, &data));
        return data;
    }

    private static bool Succeeded(IntPtr status)
    {
        if (status == 0)
            return true;
        ((delegate* unmanaged<IntPtr, void>)Api.ReleaseStatus)(status);
        return false;
    }

    private static void Check(IntPtr status)
    {
        if (status == 0)
            return;
        var message = Marshal.PtrToStringUTF8((IntPtr)((delegate* unmanaged<IntPtr, byte*>)Api.GetErrorMessage)(status));
        ((delegate* unmanaged<IntPtr, void>)Api.ReleaseStatus)(status);
        throw new InvalidOperationException($"ONNX Runtime: {message}");
    }

    private static OrtApi LoadApi()
    {
        // The managed package loads the library and picks the file; only then is ours the same one.
        OnnxRuntimeEnvironment.EnsureCreated();
        var getApi = (delegate* unmanaged<uint, OrtApi*>)(*(IntPtr*)OrtGetApiBase());
        var api = getApi(ApiVersion);
        return api is null ? throw new NotSupportedException($"ONNX Runtime does not offer its C API {ApiVersion}.") : *api;
    }

    [DllImport("onnxruntime", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern void* OrtGetApiBase();
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The operator <c>ai.parley.PagedAttention</c>, version 1: the inputs of <c>com.microsoft.PagedAttention</c> in float32 on the CPU,
/// but for
/// the caches, whose type is the caller's choice. It changes these two inputs in place. Registration and callbacks; the arithmetic is
/// <see cref="PagedAttentionKernel"/>.
/// </summary>
internal static unsafe class PagedAttentionOp
{
    /// <summary>Our operator domain.</summary>
    public const string Domain = "ai.parley";

    /// <summary>Name of the operator.</summary>
    public const string Name = "PagedAttention";

    private const int InputCount = 10;
    private const int Required = 0;
    private const int Optional = 1;

    /// <summary>ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED.</summary>
    private const int AnyType = 0;

    /// <summary>Below this many multiply-adds waking other threads costs more than it saves.</summary>
    private const long InlineWorkMax = 256 * 1024;

    private static readonly byte* NativeName = (byte*)Marshal.StringToCoTaskMemUTF8(Name);
    private static readonly byte* Provider = (byte*)Marshal.StringToCoTaskMemUTF8("CPUExecutionProvider");
    private static readonly IntPtr NativeDomain = OrtCustomOpApi.CreateDomain(Domain, CreateOp());

    /// <summary>Makes the operator known to sessions of these options.</summary>
    public static void Register(SessionOptions options) => OrtCustomOpApi.AddDomain(options, NativeDomain);

    private static OrtCustomOp* CreateOp()
    {
        // Never freed: sessions call through it as long as they live.
        var op = (OrtCustomOp*)NativeMemory.AllocZeroed((nuint)sizeof(OrtCustomOp));
        op->Version = OrtCustomOp.MinimalVersion;
        op->GetName = &GetName;
        op->GetExecutionProviderType = &GetProvider;
        op->GetInputType = &GetInputType;
        op->GetInputTypeCount = &GetInputTypeCount;
        op->GetOutputType = &GetOutputType;
        op->GetOutputTypeCount = &GetOutputTypeCount;
        op->KernelDestroy = &Destroy;
        op->GetInputCharacteristic = &GetInputCharacteristic;
        op->GetOutputCharacteristic = &GetOutputCharacteristic;
        op->GetInputMemoryType = &GetInputMemoryType;
        op->CreateKernelV2 = &Create;
        op->KernelComputeV2 = &Compute;
        op->GetStartVersion = &GetStartVersion;
        op->GetEndVersion = &GetEndVersion;
        return op;
    }

    [UnmanagedCallersOnly]
    private static byte* GetName(OrtCustomOp* op) => NativeName;

    [UnmanagedCallersOnly]
    private static byte* GetProvider(OrtCustomOp* op) => Provider;

    [UnmanagedCallersOnly]
    private static int GetInputType(OrtCustomOp* op, nuint index) =>
        index switch
        {
            3 or 4 => AnyType,
            5 or 6 or 7 => (int)TensorElementType.Int32,
            _ => (int)TensorElementType.Float,
        };

    [UnmanagedCallersOnly]
    private static nuint GetInputTypeCount(OrtCustomOp* op) => InputCount;

    [UnmanagedCallersOnly]
    private static int GetOutputType(OrtCustomOp* op, nuint index) => (int)TensorElementType.Float;

    [UnmanagedCallersOnly]
    private static nuint GetOutputTypeCount(OrtCustomOp* op) => 1;

    [UnmanagedCallersOnly]
    private static int GetInputCharacteristic(OrtCustomOp* op, nuint index) => index is 1 or 2 or 8 or 9 ? Optional : Required;

    [UnmanagedCallersOnly]
    private static int GetOutputCharacteristic(OrtCustomOp* op, nuint index) => Required;

    [UnmanagedCallersOnly]
    private static int GetInputMemoryType(OrtCustomOp* op, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int GetStartVersion(OrtCustomOp* op) => 1;

    [UnmanagedCallersOnly]
    private static int GetEndVersion(OrtCustomOp* op) => int.MaxValue;

    [UnmanagedCallersOnly]
    private static void* Create(OrtCustomOp* op, void* api, void* info, void** kernel)
    {
        try
        {
            var node = PagedAttentionNode.Read(info);
            *kernel = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(node));
            return null;
        }
        catch (Exception exception)
        {
            *kernel = null;
            return OrtCustomOpApi.CreateStatus($"{Name}: {exception.Message}");
        }
    }

    [UnmanagedCallersOnly]
    private static void Destroy(void* kernel)
    {
        if (kernel is not null)
            GCHandle.FromIntPtr((IntPtr)kernel).Free();
    }

    [UnmanagedCallersOnly]
    private static void* Compute(void* kernel, void* context)
    {
        try
        {
            var node = (PagedAttentionNode)GCHandle.FromIntPtr((IntPtr)kernel).Target!;
            PagedAttentionStep step = default;
            node.Bind(context, &step);
            if (step.TokenCount > 0)
                Run(context, PagedAttentionKernel.Best(step.CachePrecision), &step);
            return null;
        }
        catch (Exception exception)
        {
            return OrtCustomOpApi.CreateStatus($"{Name}: {exception.Message}");
        }
    }

    private static void Run(void* context, PagedAttentionKernel kernel, PagedAttentionStep* step)
    {
        AttentionPlan.Create(step);
        Loop(context, kernel.Write, step, step->Plan.WriteCount);
        Loop(context, kernel.Attend, step, step->Plan.UnitCount);
    }

    private static void Loop(void* context, delegate*<PagedAttentionStep*, nint, void> body, PagedAttentionStep* step, int count)
    {
        if (step->Plan.Work <= InlineWorkMax || count == 1)
        {
            for (var i = 0; i < count; i++)
                body(step, i);
            return;
        }

        var state = new LoopState { Body = body, Step = step };
        OrtCustomOpApi.ParallelFor(context, &RunUnit, count, &state);
        if (state.Error == 0)
            return;
        var error = GCHandle.FromIntPtr(state.Error);
        var exception = (Exception)error.Target!;
        error.Free();
        throw new InvalidOperationException(exception.Message, exception);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void RunUnit(void* state, nuint unit)
    {
        var loop = (LoopState*)state;
        try
        {
            loop->Body(loop->Step, (nint)unit);
        }
        catch (Exception exception)
        {
            // The callback returns nothing, so the first error waits for the end of the loop.
            var handle = GCHandle.Alloc(exception);
            if (Interlocked.CompareExchange(ref loop->Error, GCHandle.ToIntPtr(handle), 0) != 0)
                handle.Free();
        }
    }

    private struct LoopState
    {
        public delegate*<PagedAttentionStep*, nint, void> Body;
        public PagedAttentionStep* Step;
        public IntPtr Error;
    }
}

using System.Runtime.InteropServices;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Experts;
using Parley.Generator.Execution.Kernels.Latent;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Execution.Kernels.Recurrence;
using Parley.Generator.Execution.Kernels.Rows;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution;

/// <summary>
/// The operators of the domain <c>ai.parley</c>, and the callbacks by which ONNX Runtime asks about them and runs their nodes. No
/// exception may cross the boundary, so each becomes a status here.
/// </summary>
internal static unsafe class CustomOpDomain
{
    public const string Name = "ai.parley";

    private const int Required = 0;
    private const int Optional = 1;

    private static readonly byte* Provider = (byte*)Marshal.StringToCoTaskMemUTF8("CPUExecutionProvider");
    private static readonly IntPtr NativeDomain = Create(
        new PagedAttentionOp(), new QuantizedLinearOp(), new NormalizedLinearOp(), new QuantizedHeadOp(), new QuantizedGatherOp(),
        new RowGatherOp(), new SequenceRotaryOp(), new MixtureOfExpertsOp(), new QuantizedMixtureOfExpertsOp(), new ShortConvolutionOp(),
        new GatedDeltaOp(), new MambaScanOp(), new LatentAttentionOp(), new PerHeadLinearOp(), new QuantizedPerHeadLinearOp());

    /// <summary>Makes the operators known to sessions of these options.</summary>
    public static void Register(SessionOptions options) => OrtCustomOpApi.AddDomain(options, NativeDomain);

    /// <summary>A domain of this name with these operators; it lives as long as the process.</summary>
    public static IntPtr Create(params IReadOnlyList<CustomOp> operators)
    {
        var domain = OrtCustomOpApi.CreateDomain(Name);
        foreach (var definition in operators)
            OrtCustomOpApi.AddOp(domain, CreateNative(definition));
        return domain;
    }

    private static OrtCustomOp* CreateNative(CustomOp definition)
    {
        // Never freed: sessions call through it as long as they live.
        var native = (RegisteredOp*)NativeMemory.AllocZeroed((nuint)sizeof(RegisteredOp));
        native->Definition = GCHandle.ToIntPtr(GCHandle.Alloc(definition));
        native->Name = (byte*)Marshal.StringToCoTaskMemUTF8(definition.Name);
        var op = &native->Op;
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
        op->CreateKernelV2 = &CreateKernel;
        op->KernelComputeV2 = &Compute;
        op->GetStartVersion = &GetStartVersion;
        op->GetEndVersion = &GetEndVersion;
        return op;
    }

    private static CustomOp Definition(OrtCustomOp* op) => (CustomOp)GCHandle.FromIntPtr(((RegisteredOp*)op)->Definition).Target!;

    [UnmanagedCallersOnly]
    private static byte* GetName(OrtCustomOp* op) => ((RegisteredOp*)op)->Name;

    [UnmanagedCallersOnly]
    private static byte* GetProvider(OrtCustomOp* op) => Provider;

    [UnmanagedCallersOnly]
    private static int GetInputType(OrtCustomOp* op, nuint index) => (int)Definition(op).Inputs[(int)index];

    [UnmanagedCallersOnly]
    private static nuint GetInputTypeCount(OrtCustomOp* op) => (nuint)Definition(op).Inputs.Count;

    [UnmanagedCallersOnly]
    private static int GetOutputType(OrtCustomOp* op, nuint index) => (int)Definition(op).Outputs[(int)index];

    [UnmanagedCallersOnly]
    private static nuint GetOutputTypeCount(OrtCustomOp* op) => (nuint)Definition(op).Outputs.Count;

    [UnmanagedCallersOnly]
    private static int GetInputCharacteristic(OrtCustomOp* op, nuint index) => Definition(op).IsOptional((int)index) ? Optional : Required;

    [UnmanagedCallersOnly]
    private static int GetOutputCharacteristic(OrtCustomOp* op, nuint index) =>
        Definition(op).IsOptionalOutput((int)index) ? Optional : Required;

    [UnmanagedCallersOnly]
    private static int GetInputMemoryType(OrtCustomOp* op, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int GetStartVersion(OrtCustomOp* op) => 1;

    [UnmanagedCallersOnly]
    private static int GetEndVersion(OrtCustomOp* op) => int.MaxValue;

    [UnmanagedCallersOnly]
    private static void* CreateKernel(OrtCustomOp* op, void* api, void* info, void** kernel)
    {
        *kernel = null;
        var definition = Definition(op);
        try
        {
            *kernel = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(definition.CreateNode(info)));
            return null;
        }
        catch (Exception exception)
        {
            return OrtCustomOpApi.CreateStatus($"{definition.Name}: {exception.Message}");
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
        var node = (CustomOpNode)GCHandle.FromIntPtr((IntPtr)kernel).Target!;
        try
        {
            node.Compute(context);
            return null;
        }
        catch (Exception exception)
        {
            return OrtCustomOpApi.CreateStatus($"{node}: {exception.Message}");
        }
    }

    /// <summary>What ONNX Runtime knows of an operator, and behind it what we know.</summary>
    private struct RegisteredOp
    {
        public OrtCustomOp Op;
        public IntPtr Definition;
        public byte* Name;
    }
}

using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Execution.Runtime;

namespace Parley.Generator;

/// <summary>What computes the steps of this process, for people.</summary>
internal static class RuntimeReport
{
    /// <summary>One phrase: ONNX Runtime's version and provider, the instruction sets of our kernels, threads.</summary>
    public static string Describe(GeneratorOptions options)
    {
        OnnxRuntimeEnvironment.EnsureCreated();
        var version = OrtEnv.Instance().GetVersionString();
        return options.Device == "cuda"
            ? $"ONNX Runtime {version} with CUDA (device {options.Cuda.DeviceId})"
            : $"ONNX Runtime {version} on the CPU, {Instructions}, {SessionFactory.ThreadCount(options.Threads)} threads";
    }

    /// <summary>The instruction sets that our kernels use on this processor.</summary>
    public static string Instructions
    {
        get
        {
            var (attention, linears) = (PagedAttentionKernel.BestName, QuantizedLinearKernel.Best.Name);
            return attention == linears ? attention : $"{attention} attention and {linears} linears";
        }
    }
}

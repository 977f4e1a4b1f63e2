using Parley.Generator.Execution.Kernels;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution;

/// <summary>The way to ONNX Runtime for tools and tests: its environment set up as the service does, our operators registered.</summary>
public static class OnnxRuntimeSetup
{
    /// <summary>Session options with the operators of the domain <c>ai.parley</c>. The caller disposes them.</summary>
    public static SessionOptions CreateSessionOptions()
    {
        OnnxRuntimeEnvironment.EnsureCreated();
        var options = new SessionOptions();
        PagedAttentionOp.Register(options);
        return options;
    }
}

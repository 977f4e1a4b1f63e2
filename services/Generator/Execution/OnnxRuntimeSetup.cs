using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Runtime;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution;

/// <summary>The way to ONNX Runtime for tools and tests: its environment set up as the service does, our operators registered.</summary>
public static class OnnxRuntimeSetup
{
    /// <summary>
    /// ONNX Runtime enters a domain into a table of the process when the first session that has it is made, and two first sessions at
    /// once fail ("the domain is already exist"). So a tiny session goes ahead of all others, and every session of the process begins with
    /// options of this class.
    /// </summary>
    private static readonly Lazy<bool> DomainEntered = new(EnterDomain);

    /// <summary>Session options with the operators of the domain <c>ai.parley</c>. The caller disposes them.</summary>
    public static SessionOptions CreateSessionOptions()
    {
        _ = DomainEntered.Value;
        return CreateOptions();
    }

    private static SessionOptions CreateOptions()
    {
        OnnxRuntimeEnvironment.EnsureCreated();
        var options = new SessionOptions();
        CustomOpDomain.Register(options);
        return options;
    }

    private static bool EnterDomain()
    {
        var model = new OnnxGraphWriter()
            .Input("x", OnnxGraphWriter.Float, 1)
            .Node("Identity", "", ["x"], ["y"])
            .Output("y", OnnxGraphWriter.Float, 1)
            .ToModel();
        using var options = CreateOptions();
        options.IntraOpNumThreads = 1;
        using var session = new InferenceSession(model, options);
        return true;
    }
}

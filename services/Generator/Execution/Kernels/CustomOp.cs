using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels;

/// <summary>One operator of our domain as ONNX Runtime asks about it. Lives as long as the process.</summary>
internal abstract unsafe class CustomOp
{
    public abstract string Name { get; }

    /// <summary>Element types of the inputs in order.</summary>
    public abstract IReadOnlyList<TensorElementType> Inputs { get; }

    /// <summary>Element types of the outputs in order.</summary>
    public abstract IReadOnlyList<TensorElementType> Outputs { get; }

    /// <summary>Whether a node may leave an input out.</summary>
    public virtual bool IsOptional(int input) => false;

    /// <summary>Whether a node may leave an output out.</summary>
    public virtual bool IsOptionalOutput(int output) => false;

    /// <summary>Reads the attributes and constants of a node.</summary>
    /// <exception cref="NotSupportedException">They ask for what the operator does not do.</exception>
    public abstract CustomOpNode CreateNode(void* info);
}

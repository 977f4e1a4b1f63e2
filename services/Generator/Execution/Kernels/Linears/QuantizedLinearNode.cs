using Parley.Generator.Execution.Kernels.Adapters;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>One linear of a session: its matrix, and how its rows become a step.</summary>
internal sealed unsafe class QuantizedLinearNode(QuantizedMatrix matrix, (bool IsGated, bool IsGelu) gate, AdaptedNode? adapters)
    : CustomOpNode
{
    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernels do not do.</exception>
    public static QuantizedLinearNode Read(void* info)
    {
        var whole = QuantizedMatrix.Read(info, codesInput: 1);
        var (gate, matrix) = (whole.ReadGate(info), whole.ReadFirst(info));
        return !gate.IsGated || matrix.Outputs == whole.Outputs
            ? new QuantizedLinearNode(matrix, gate, AdaptedNode.Of(info, matrix.Inputs, matrix.Outputs))
            : throw new NotSupportedException($"first is {matrix.Outputs} of a gated linear; {QuantizedMatrix.Remedy}");
    }

    public override string ToString() => QuantizedLinearOp.OpName;

    public override void Compute(void* context)
    {
        var shape = stackalloc long[2];
        var step = matrix.Step();
        step.Input = (float*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(shape, 2));
        if (shape[1] != matrix.Inputs)
            throw new InvalidDataException($"rows have {shape[1]} inputs, not {matrix.Inputs}");
        step.Rows = checked((int)shape[0]);
        (step.Gated, step.Gelu) = gate;
        step.Output = (float*)OrtCustomOpApi.GetOutput(context, step.Rows, step.Columns);
        QuantizedLinearPlan.Run(context, &step, adapters);
    }
}

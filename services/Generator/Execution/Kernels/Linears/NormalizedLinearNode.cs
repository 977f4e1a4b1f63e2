using Parley.Generator.Execution.Kernels.Adapters;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>One linear of a session with the norm in front of it.</summary>
internal sealed unsafe class NormalizedLinearNode(
    QuantizedMatrix matrix, (bool IsGated, bool IsGelu) gate, IntPtr weight, float epsilon, AdaptedNode? adapters) : CustomOpNode
{
    public const int WeightInput = 3;

    public const int UpdateInput = 4;

    public const int SumOutput = 1;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernels do not do.</exception>
    public static NormalizedLinearNode Read(void* info)
    {
        var matrix = QuantizedMatrix.Read(info, codesInput: 1);
        long width = 0;
        var weight = OrtCustomOpApi.GetConstant(info, WeightInput, new Span<long>(&width, 1));
        if (weight is null || width != matrix.Inputs)
            throw new NotSupportedException($"the norm's weight [{width}] does not fit K {matrix.Inputs}; {QuantizedMatrix.Remedy}");
        var epsilon = OrtCustomOpApi.GetFloat(info, "epsilon\0"u8, 0);
        return epsilon > 0 && float.IsFinite(epsilon)
            ? new NormalizedLinearNode(
                matrix, matrix.ReadGate(info), (IntPtr)weight, epsilon, AdaptedNode.Of(info, matrix.Inputs, matrix.Outputs))
            : throw new NotSupportedException($"epsilon is {epsilon}, no positive number; {QuantizedMatrix.Remedy}");
    }

    public override string ToString() => NormalizedLinearOp.OpName;

    public override void Compute(void* context)
    {
        var shape = stackalloc long[2];
        var step = matrix.Step();
        (step.Gated, step.Gelu) = gate;
        step.Input = (float*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(shape, 2));
        var rows = shape[0];
        if (shape[1] != matrix.Inputs)
            throw new InvalidDataException($"rows have {shape[1]} inputs, not {matrix.Inputs}");
        step.Rows = checked((int)rows);
        step.NormWeight = (float*)weight;
        step.Epsilon = epsilon;
        step.Update = (float*)OrtCustomOpApi.GetInput(context, UpdateInput, new Span<long>(shape, 2));
        if (step.Update is not null)
        {
            if (shape[0] != rows || shape[1] != matrix.Inputs)
                throw new InvalidDataException($"the update is [{shape[0]}, {shape[1]}], not [{rows}, {matrix.Inputs}]");
            step.Sum = (float*)OrtCustomOpApi.GetOutput(context, rows, matrix.Inputs, SumOutput);
            if (step.Sum is null && rows > 0)
                throw new InvalidDataException("there is an update, but no output for the sum");
        }

        step.Output = (float*)OrtCustomOpApi.GetOutput(context, rows, step.Columns);
        QuantizedLinearPlan.Run(context, &step, adapters);
    }
}

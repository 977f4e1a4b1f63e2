using Parley.ModelImporter.Package;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>One linear of a session: its matrix, and how its rows become a step.</summary>
internal sealed unsafe class QuantizedLinearNode(QuantizedMatrix matrix, bool gated) : CustomOpNode
{
    /// <summary>Below this number of activations waking other threads to quantise them costs more than it saves.</summary>
    private const long QuantizeInlineMax = 64 * 1024;

    /// <summary>Below this number of multiply-adds the linear runs on the calling thread.</summary>
    private const long RunInlineMax = 256 * 1024;

    private readonly QuantizedLinearKernel _kernel = QuantizedLinearKernel.Best;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernels do not do.</exception>
    public static QuantizedLinearNode Read(void* info)
    {
        var matrix = QuantizedMatrix.Read(info, codesInput: 1);
        var gated = OrtCustomOpApi.GetInteger(info, "gated\0"u8, 0) != 0;
        if (gated && matrix.Outputs % (2 * QuantizedLinearLayout.BlockOutputs) != 0)
            throw new NotSupportedException($"a gated linear has {matrix.Outputs} outputs, no multiple of 32; import the model again");
        return new QuantizedLinearNode(matrix, gated);
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
        step.Gated = gated;
        step.Output = (float*)OrtCustomOpApi.GetOutput(context, step.Rows, step.Columns);
        if (step.Rows == 0)
            return;

        var activations = (long)step.Rows * matrix.Inputs;
        step.Activations = LinearScratch.Activations(activations);
        step.Parameters = LinearScratch.Parameters((long)step.Rows * step.Groups * 2);
        var plan = new QuantizedLinearPlan(&step, _kernel);
        ParallelLoop.Run(context, plan.Quantize, &plan, plan.TileCount, activations > QuantizeInlineMax);
        var parallel = activations * matrix.Outputs > RunInlineMax;
        plan.Divide(_kernel.RunUnit, step.Units, parallel ? ProcessorTopology.PhysicalCores : 1);
        ParallelLoop.Run(context, plan.Multiply, &plan, plan.WorkerCount, parallel);
    }
}

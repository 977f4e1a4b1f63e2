using Parley.ModelImporter.Package;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>The head of a session: a coarse pass over the high plane of all weights, an exact one over the low plane of few.</summary>
internal sealed unsafe class QuantizedHeadNode(QuantizedMatrix matrix) : CustomOpNode
{
    /// <summary>Below this number of multiply-adds a pass runs on the calling thread.</summary>
    private const long RunInlineMax = 1024 * 1024;

    private const int IndexInput = 3;

    private readonly QuantizedLinearKernel _kernel = QuantizedLinearKernel.Best;
    private readonly HeadCandidates _candidates = new(matrix, QuantizedLinearKernel.Best.TileRows);

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernels do not do.</exception>
    public static QuantizedHeadNode Read(void* info)
    {
        var matrix = QuantizedMatrix.Read(info, codesInput: 1);
        return matrix.Planes == 2
            ? new QuantizedHeadNode(matrix)
            : throw new NotSupportedException("a head has 8 bits; import the model again with this build");
    }

    public override string ToString() => QuantizedHeadOp.OpName;

    public override void Compute(void* context)
    {
        var shape = stackalloc long[2];
        QuantizedHeadStep head = default;
        ref var step = ref head.Linear;
        step = matrix.Step();
        step.Input = (float*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(shape, 2));
        if (shape[1] != matrix.Inputs)
            throw new InvalidDataException($"rows have {shape[1]} inputs, not {matrix.Inputs}");
        step.Rows = checked((int)shape[0]);
        var counts = (int*)OrtCustomOpApi.GetInput(context, IndexInput, new Span<long>(shape, 1));
        if (shape[0] != step.Rows)
            throw new InvalidDataException($"{step.Rows} rows come with {shape[0]} numbers of best outputs");
        step.Output = (float*)OrtCustomOpApi.GetOutput(context, step.Rows, step.Outputs);
        if (step.Rows > 0)
            Run(context, &head, new ReadOnlySpan<int>(counts, step.Rows));
    }

    private void Run(void* context, QuantizedHeadStep* head, ReadOnlySpan<int> counts)
    {
        var step = &head->Linear;
        step->Activations = LinearScratch.Activations((long)step->Rows * step->Inputs);
        step->Parameters = LinearScratch.Parameters((long)step->Rows * step->Groups * 2);
        var plan = new QuantizedLinearPlan(step, _kernel);
        ParallelLoop.Run(context, plan.Quantize, &plan, plan.TileCount, parallel: false);
        if (!_candidates.Begin(head, counts))
        {
            // Every row wants all: both planes in one pass.
            RunPass(context, &plan, _kernel.RunUnit, step->Units, step->Rows, step->Inputs);
            return;
        }

        RunPass(context, &plan, _kernel.RunCoarseUnit, (step->Blocks + 1) / 2, step->Rows, step->Inputs);
        _candidates.WantBest(head);
        RunExact(context, &plan, head);
        _candidates.WantRest(head);
        RunExact(context, &plan, head);
    }

    private void RunExact(void* context, QuantizedLinearPlan* plan, QuantizedHeadStep* head)
    {
        if (head->ListCount > 0)
            RunPass(context, plan, _kernel.RunExactUnit, (head->ListCount + 1) / 2, head->Linear.Rows, head->Linear.Inputs);
    }

    private static void RunPass(
        void* context, QuantizedLinearPlan* plan, delegate*<QuantizedLinearStep*, nint, void> run, int units, int rows, int inputs)
    {
        var parallel = 2L * QuantizedLinearLayout.BlockOutputs * units * rows * inputs > RunInlineMax;
        plan->Divide(run, units, parallel ? ProcessorTopology.PhysicalCores : 1);
        ParallelLoop.Run(context, plan->Multiply, plan, plan->WorkerCount, parallel);
    }
}

using Parley.PackageFormat;


namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>The head of a session: a coarse pass over the high plane of all weights, an exact one over the low plane of few.</summary>
/// <param name="matrix">The weights.</param>
/// <param name="isRough">The coarse pass alone is enough: for guesses, which are verified.</param>
internal sealed unsafe class QuantizedHeadNode(QuantizedMatrix matrix, bool isRough = false) : CustomOpNode
{
    /// <summary>Below this number of multiply-adds a pass runs on the calling thread.</summary>
    private const long RunInlineMax = 1024 * 1024;

    private const int IndexInput = 3;

    private readonly HeadCandidates _candidates = new(matrix, QuantizedLinearKernel.Best.TileRows);

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernels do not do.</exception>
    public static QuantizedHeadNode Read(void* info)
    {
        var matrix = QuantizedMatrix.Read(info, codesInput: 1);
        // With minima the middle of the high plane says nothing of a weight whose code has few bits, so HeadBounds would not hold.
        return matrix is { Planes: 2, HasMinima: false }
            ? new QuantizedHeadNode(matrix.ReadFirst(info), OrtCustomOpApi.GetInteger(info, "rough\0"u8, 0) != 0)
            : throw new NotSupportedException($"a head has 8 bits and no minima; {QuantizedMatrix.Remedy}");
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
        if (step.Rows == 0)
            return;
        QuantizedLinearPlan.Reserve(&head.Linear);
        Run(context, &head, new ReadOnlySpan<int>(counts, step.Rows), _candidates, QuantizedLinearKernel.Best, isRough);
    }

    /// <summary>Runs a step.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="head">Its linear, with scratch.</param>
    /// <param name="counts">Best outputs that count [rows], 0 for all.</param>
    /// <param name="candidates">Chooses the blocks of the second pass.</param>
    /// <param name="kernel">Does the arithmetic.</param>
    /// <param name="isRough">The coarse pass is enough.</param>
    internal static void Run(
        void* context, QuantizedHeadStep* head, ReadOnlySpan<int> counts, HeadCandidates candidates, QuantizedLinearKernel kernel,
        bool isRough = false)
    {
        var step = &head->Linear;
        var plan = new QuantizedLinearPlan(step, kernel.TileRows);
        QuantizedLinearPlan.Quantize(context, &plan);
        if (!candidates.Begin(head, counts, isRough))
        {
            // Every row wants all: both planes in one pass.
            RunPass(context, &plan, kernel.RunUnit, step->Units, step);
            return;
        }

        RunPass(context, &plan, kernel.RunCoarseUnit, (step->Blocks + 1) / 2, step);
        if (isRough)
            return;
        candidates.WantBest(head);
        RunPass(context, &plan, kernel.RunExactUnit, (head->ListCount + 1) / 2, step);
        candidates.WantRest(head);
        RunPass(context, &plan, kernel.RunExactUnit, (head->ListCount + 1) / 2, step);
    }

    private static void RunPass(
        void* context, QuantizedLinearPlan* plan, delegate*<QuantizedLinearStep*, nint, void> run, int units, QuantizedLinearStep* step)
    {
        if (units == 0)
            return;
        var products = 2L * QuantizedLinearLayout.BlockOutputs * units * step->Rows * step->Inputs;
        QuantizedLinearPlan.Multiply(context, plan, run, units, products > RunInlineMax);
    }
}

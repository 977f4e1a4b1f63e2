using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>
/// A mixture of quantised experts without ONNX Runtime. A pass rounds its rows once, gathers them by expert, runs the gates of all experts
/// that have rows, rounds again, and runs the second matrices column by column of the result.
/// </summary>
/// <param name="settings">The operator's attributes.</param>
/// <param name="gateUp">The first matrix of the first expert; those of the others follow it.</param>
/// <param name="down">The second.</param>
/// <param name="correction">For the choice [experts]; 0 for none.</param>
/// <param name="gateUpBias">[experts, 2 · intermediate]; 0 for none.</param>
/// <param name="downBias">[experts, hidden]; 0 for none.</param>
/// <param name="scales">Factor on the weight of each expert [experts]; 0 for none.</param>
internal sealed unsafe class QuantizedExperts(
    ExpertSettings settings, QuantizedMatrix gateUp, QuantizedMatrix down, IntPtr correction, IntPtr gateUpBias, IntPtr downBias,
    IntPtr scales = 0)
{
    /// <summary>Memory of a pass; where a step's rows need more, they are done in several, each of which reads the weights anew.</summary>
    public const long PassBytesMax = 256 << 20;

    private readonly ExpertRouter _router = new(settings, (float*)correction, (float*)scales);

    /// <summary>Computes a step.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="kernel">Of the linears.</param>
    /// <param name="input">[rows, hidden].</param>
    /// <param name="logits">The router's [rows, experts].</param>
    /// <param name="output">[rows, hidden].</param>
    /// <param name="rows">Rows of the step.</param>
    public void Run(void* context, QuantizedLinearKernel kernel, float* input, float* logits, float* output, int rows)
    {
        var passRows = PassRows(rows);
        for (var row = 0; row < rows; row += passRows)
        {
            RunPass(
                context, kernel, input + ((long)row * settings.Hidden), logits + ((long)row * settings.Experts),
                output + ((long)row * settings.Hidden), Math.Min(passRows, rows - row));
        }
    }

    /// <summary>
    /// The most that a step's rows need of the thread that runs them: in the smallest groups, which have the most scales. Experts of floats
    /// need less.
    /// </summary>
    /// <param name="mixture">Sizes of the experts.</param>
    /// <param name="hidden">Columns of rows.</param>
    /// <param name="rows">Rows of the largest step.</param>
    public static long ScratchBytes(MixtureShape mixture, int hidden, int rows)
    {
        const int Group = QuantizedLinearLayout.SmallGroup;
        var settings = new ExpertSettings
        {
            Experts = mixture.Experts,
            TopK = mixture.Chosen,
            Hidden = hidden,
            Intermediate = mixture.Width,
        };
        var experts = new QuantizedExperts(
            settings, new QuantizedMatrix(2 * mixture.Width, hidden, Group, 1, HasMinima: false, 0, 0),
            new QuantizedMatrix(hidden, mixture.Width, Group, 1, HasMinima: false, 0, 0), 0, 0, 0);
        return experts.MemoryBytes(experts.PassRows(rows));
    }

    /// <summary>Rows of a pass.</summary>
    private int PassRows(int rows) => (int)Math.Clamp(PassBytesMax / MemoryBytes(1), 1, Math.Max(rows, 1));

    private long MemoryBytes(int rows)
    {
        var memory = new MemoryCursor(null);
        _ = new ExpertGroups(_router, rows, ref memory);
        _ = new QuantizedExpertsMemory(rows, rows * settings.TopK, gateUp, down, ref memory);
        return memory.Position;
    }

    private void RunPass(void* context, QuantizedLinearKernel kernel, float* input, float* logits, float* output, int rows)
    {
        var cursor = new MemoryCursor(LinearScratch.Experts(MemoryBytes(rows)));
        var step = new QuantizedExpertsStep
        {
            Groups = new ExpertGroups(_router, rows, ref cursor),
            Run = kernel.RunUnit,
            TileRows = kernel.TileRows,
        };
        var memory = new QuantizedExpertsMemory(rows, rows * settings.TopK, gateUp, down, ref cursor);
        ExpertGroups.Gather(context, &step.Groups, logits);
        if (step.Groups.PairCount == 0)
        {
            new Span<float>(output, checked(rows * settings.Hidden)).Fill(float.NaN);
            return;
        }

        RunGates(context, &step, input, in memory);
        RunDown(context, &step, output, in memory);
        ExpertReads.Add(step.BytesRead);
    }

    private void RunGates(void* context, QuantizedExpertsStep* step, float* input, in QuantizedExpertsMemory memory)
    {
        step->Linear = gateUp.Step();
        ref var linear = ref step->Linear;
        linear.Input = input;
        linear.Gated = true;
        (linear.Clamped, linear.Alpha, linear.Limit) = (settings.Clamped, settings.Alpha, settings.Limit);
        linear.Gelu = settings.Gelu;
        linear.Activations = memory.Gathered;
        linear.Parameters = memory.GatheredParameters;
        linear.Output = memory.Between;
        (step->CodeBytes, step->HalfCount) = (gateUp.CodeBytes, gateUp.HalfCount);
        step->Biases = (float*)gateUpBias;
        step->RowActivations = memory.Rounded;
        step->RowParameters = memory.RoundedParameters;
        var strides = (step->Groups.Rows + QuantizedExpertsStep.StrideRows - 1) / QuantizedExpertsStep.StrideRows;
        var quantizes = Pays(context, step->Groups.Rows, settings.Hidden, QuantizedLinearPlan.QuantizeInlineMax);
        ParallelLoop.Run(context, &QuantizedExpertsStep.QuantizeRows, step, strides, quantizes);
        var gathers = Pays(context, step->Groups.PairCount, settings.Hidden, QuantizedLinearPlan.QuantizeInlineMax);
        ParallelLoop.Run(context, &QuantizedExpertsStep.GatherRows, step, step->Groups.ActiveCount, gathers);
        Multiply(context, step, &QuantizedExpertsStep.RunGate, step->GateUnits);
    }

    private void RunDown(void* context, QuantizedExpertsStep* step, float* output, in QuantizedExpertsMemory memory)
    {
        step->Linear = down.Step();
        ref var linear = ref step->Linear;
        linear.Input = memory.Between;
        linear.Activations = memory.BetweenRounded;
        linear.Parameters = memory.BetweenParameters;
        linear.Output = output;
        (step->CodeBytes, step->HalfCount) = (down.CodeBytes, down.HalfCount);
        step->Biases = (float*)downBias;
        var quantizes = Pays(context, step->Groups.PairCount, settings.Intermediate, QuantizedLinearPlan.QuantizeInlineMax);
        ParallelLoop.Run(context, &QuantizedExpertsStep.QuantizeExpert, step, step->Groups.ActiveCount, quantizes);
        Multiply(context, step, &QuantizedExpertsStep.RunDown, linear.Units);
    }

    private static bool Pays(void* context, long rows, long columns, long inlineMax) =>
        context is not null && rows * columns > inlineMax;

    private static void Multiply(
        void* context, QuantizedExpertsStep* step, delegate*<QuantizedLinearStep*, nint, void> run, int units)
    {
        var plan = new QuantizedLinearPlan(&step->Linear, step->TileRows);
        var work = (long)step->Groups.PairCount * step->Linear.Inputs * step->Linear.Outputs;
        QuantizedLinearPlan.Multiply(context, &plan, run, units, work > QuantizedLinearPlan.RunInlineMax);
    }
}

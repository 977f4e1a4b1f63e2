using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>A mixture of experts of floats without ONNX Runtime, in the passes of <see cref="QuantizedExperts"/>.</summary>
/// <param name="settings">The operator's attributes.</param>
/// <param name="gateUp">[experts, 2 · intermediate, hidden].</param>
/// <param name="down">[experts, hidden, intermediate].</param>
/// <param name="correction">For the choice [experts]; 0 for none.</param>
/// <param name="gateUpBias">[experts, 2 · intermediate]; 0 for none.</param>
/// <param name="downBias">[experts, hidden]; 0 for none.</param>
/// <param name="scales">Factor on the weight of each expert [experts]; 0 for none.</param>
internal sealed unsafe class FloatExperts(
    ExpertSettings settings, IntPtr gateUp, IntPtr down, IntPtr correction, IntPtr gateUpBias, IntPtr downBias, IntPtr scales)
{
    /// <summary>Below this number of multiply-adds the linear runs on the calling thread.</summary>
    private const long RunInlineMax = 128 * 1024;

    private readonly ExpertRouter _router = new(settings, (float*)correction, (float*)scales);

    /// <summary>Computes a step.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="input">[rows, hidden].</param>
    /// <param name="logits">The router's [rows, experts].</param>
    /// <param name="output">[rows, hidden].</param>
    /// <param name="rows">Rows of the step.</param>
    public void Run(void* context, float* input, float* logits, float* output, int rows)
    {
        var passRows = (int)Math.Clamp(QuantizedExperts.PassBytesMax / MemoryBytes(1), 1, Math.Max(rows, 1));
        for (var row = 0; row < rows; row += passRows)
        {
            RunPass(
                context, input + ((long)row * settings.Hidden), logits + ((long)row * settings.Experts),
                output + ((long)row * settings.Hidden), Math.Min(passRows, rows - row));
        }
    }

    private long MemoryBytes(int rows)
    {
        var memory = new MemoryCursor(null);
        _ = new ExpertGroups(_router, rows, ref memory);
        _ = memory.Take<float>((long)rows * settings.TopK * settings.Intermediate);
        return memory.Position;
    }

    private void RunPass(void* context, float* input, float* logits, float* output, int rows)
    {
        var memory = new MemoryCursor(LinearScratch.Experts(MemoryBytes(rows)));
        var step = new FloatExpertsStep
        {
            Groups = new ExpertGroups(_router, rows, ref memory),
            Between = memory.Take<float>((long)rows * settings.TopK * settings.Intermediate),
            Hidden = settings.Hidden,
            Intermediate = settings.Intermediate,
            Gelu = settings.Gelu,
            Clamped = settings.Clamped,
            Alpha = settings.Alpha,
            Limit = settings.Limit,
            Input = input,
            Output = output,
            GateUp = (float*)gateUp,
            Down = (float*)down,
            GateUpBias = (float*)gateUpBias,
            DownBias = (float*)downBias,
        };
        ExpertGroups.Gather(context, &step.Groups, logits);
        var gateUnits = step.Groups.ActiveCount * FloatExpertsStep.Units(settings.Intermediate);
        if (gateUnits > 0)
            Multiply(context, &step, &FloatExpertsStep.RunGate, gateUnits);
        Multiply(context, &step, &FloatExpertsStep.RunDown, FloatExpertsStep.Units(settings.Hidden));
        ExpertReads.Add(step.BytesRead);
    }

    private void Multiply(void* context, FloatExpertsStep* step, delegate*<QuantizedLinearStep*, nint, void> run, int units)
    {
        var plan = new QuantizedLinearPlan(&step->Linear, 1);
        var work = (long)step->Groups.PairCount * settings.Hidden * settings.Intermediate;
        QuantizedLinearPlan.Multiply(context, &plan, run, units, work > RunInlineMax);
    }
}

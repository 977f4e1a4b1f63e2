using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>
/// Quantised linears per head without ONNX Runtime: rounds the rows of all heads, then runs the units of all heads. A row is rounded and
/// multiplied as by a linear of its head's matrix alone.
/// </summary>
/// <param name="settings">The operator's attributes.</param>
/// <param name="matrix">The matrix of the first head; those of the others follow it.</param>
internal sealed unsafe class QuantizedPerHead(PerHeadSettings settings, QuantizedMatrix matrix)
{
    /// <summary>Computes a step.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="kernel">Of the linears.</param>
    /// <param name="input">Rows, as the settings have them.</param>
    /// <param name="output">The result likewise.</param>
    /// <param name="tokens">Tokens of the step.</param>
    public void Run(void* context, QuantizedLinearKernel kernel, float* input, float* output, int tokens)
    {
        var numbers = (long)tokens * settings.Heads * matrix.Inputs;
        var step = new QuantizedPerHeadStep
        {
            Linear = matrix.Step(),
            Run = kernel.RunUnit,
            TileRows = kernel.TileRows,
            CodeBytes = matrix.CodeBytes,
            HalfCount = matrix.HalfCount,
            Used = settings.Inputs,
            InputStep = settings.InputStep(tokens),
            OutputStep = settings.OutputStep(tokens),
        };
        ref var linear = ref step.Linear;
        linear.Rows = tokens;
        linear.Input = input;
        linear.Output = output;
        (linear.InputStride, linear.OutputStride) = (settings.InputStride, settings.OutputStride);
        linear.Activations = LinearScratch.Activations(numbers);
        linear.Parameters = LinearScratch.Parameters(numbers / matrix.Group * 2);
        ParallelLoop.Run(
            context, &QuantizedPerHeadStep.Quantize, &step, settings.Heads,
            context is not null && numbers > QuantizedLinearPlan.QuantizeInlineMax);
        var plan = new QuantizedLinearPlan(&step.Linear, kernel.TileRows);
        QuantizedLinearPlan.Multiply(
            context, &plan, &QuantizedPerHeadStep.RunUnit, settings.Heads * linear.Units,
            numbers * matrix.Outputs > QuantizedLinearPlan.RunInlineMax);
    }
}

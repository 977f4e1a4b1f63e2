namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>One short convolution of a session.</summary>
/// <param name="isGated">Rows are three: gate of the input, gate of the output, input.</param>
/// <param name="isActivated">SiLU of the sum.</param>
internal sealed unsafe class ShortConvolutionNode(bool isGated, bool isActivated) : CustomOpNode
{
    public const int BiasInput = 2;

    private const int WeightInput = 1;
    private const int StateInput = 3;

    /// <summary>Below this many multiply-adds waking other threads costs more than it saves.</summary>
    private const long InlineWorkMax = 256 * 1024;

    public override string ToString() => ShortConvolutionOp.OpName;

    public override void Compute(void* context)
    {
        ShortConvolutionStep step = default;
        var shape = stackalloc long[2];
        step.Rows = (float*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(shape, 2));
        var (rows, columns) = (shape[0], shape[1]);
        step.Weights = (float*)OrtCustomOpApi.GetInput(context, WeightInput, new Span<long>(shape, 2));
        var (width, channels) = (shape[0], shape[1]);
        if (width is < 2 or > ShortConvolutionKernel.WidthMax)
            throw new InvalidDataException($"weights of {width} inputs, not of 2 to {ShortConvolutionKernel.WidthMax}");
        if (columns != (isGated ? 3 : 1) * channels)
            throw new InvalidDataException($"rows have {columns} columns for {channels} channels");
        step.Bias = (float*)OrtCustomOpApi.GetInput(context, BiasInput, new Span<long>(shape, 1));
        if (step.Bias is not null && shape[0] != channels)
            throw new InvalidDataException($"bias has {shape[0]} numbers for {channels} channels");
        (step.Channels, step.Width, step.IsGated, step.IsActivated) = (checked((int)channels), (int)width, isGated, isActivated);
        step.Recurrent = RecurrentStep.Bind(context, StateInput, rows, (width - 1) * channels);
        step.Output = (float*)OrtCustomOpApi.GetOutput(context, rows, channels);
        if (rows > 0)
        {
            ParallelLoop.Run(
                context, &ShortConvolutionKernel.Run, &step, step.UnitCount, parallel: rows * channels * width > InlineWorkMax);
        }
    }
}

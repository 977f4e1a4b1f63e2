namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>One call of a short convolution.</summary>
internal unsafe struct ShortConvolutionStep
{
    /// <summary>Sequences, and where their last inputs lie [width − 1, channels], the oldest first.</summary>
    public RecurrentStep Recurrent;

    /// <summary>Rows [rows, channels]; gated ones [rows, 3 · channels]: gate of the input, gate of the output, input.</summary>
    public float* Rows;

    /// <summary>Weights [width, channels], that of the oldest input first.</summary>
    public float* Weights;

    /// <summary>Added to the sum [channels]; null for nothing.</summary>
    public float* Bias;

    /// <summary>Result [rows, channels].</summary>
    public float* Output;

    public int Channels;

    /// <summary>Inputs that a row sees, its own included.</summary>
    public int Width;

    /// <summary>The input is multiplied by its gate, the sum by that of the output.</summary>
    public bool IsGated;

    /// <summary>SiLU of the sum.</summary>
    public bool IsActivated;

    /// <summary>Parts of the channels that a loop takes one by one.</summary>
    public readonly int UnitCount => (Channels + ShortConvolutionKernel.ChannelsPerUnit - 1) / ShortConvolutionKernel.ChannelsPerUnit;
}

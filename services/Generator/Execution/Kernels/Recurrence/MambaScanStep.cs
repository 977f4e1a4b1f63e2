namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>The arguments of one call of the scan of Mamba-2 as plain pointers.</summary>
internal unsafe struct MambaScanStep
{
    public const int HeadSizeMax = 512;
    public const int StateSizeMax = 1024;

    /// <summary>
    /// Rows and states. A slot is a matrix for each head one after the other: per 16 columns [state size, 16], the head size in all.
    /// </summary>
    public RecurrentStep Recurrent;

    /// <summary>
    /// Values of the heads, then B and C of the groups [rows, <see cref="MixedWidth"/>], as the convolution left them.
    /// </summary>
    public float* Mixed;

    /// <summary>Gates of the values [rows, heads · head size], <see cref="GateStride"/> apart.</summary>
    public float* Gate;

    /// <summary>What becomes the time of a row [rows, heads], <see cref="TimeStride"/> apart.</summary>
    public float* Time;

    /// <summary>Added to <see cref="Time"/> before its softplus [heads].</summary>
    public float* TimeBias;

    /// <summary>What time is multiplied with, negative; the decay is e to the power of the product [heads].</summary>
    public float* Decay;

    /// <summary>Factor on what goes past the state [heads].</summary>
    public float* Skip;

    /// <summary>Weights of the norm behind the gate [heads · head size].</summary>
    public float* Norm;

    /// <summary>The result [rows, heads · head size].</summary>
    public float* Output;

    public int GateStride;
    public int TimeStride;
    public int Heads;
    public int HeadSize;
    public int StateSize;

    /// <summary>Groups that share B and C, and a norm.</summary>
    public int Groups;

    /// <summary>Added to the mean of squares in the norm.</summary>
    public float Epsilon;

    /// <summary>Floats of a row of the result.</summary>
    public readonly int Width => Heads * HeadSize;

    /// <summary>Floats of a row of <see cref="Mixed"/>.</summary>
    public readonly int MixedWidth => Width + (2 * Groups * StateSize);

    /// <summary>Floats of a head's state.</summary>
    public readonly int StateFloats => StateSize * HeadSize;

    /// <summary>Units of the scan: a head of a sequence each.</summary>
    public readonly int UnitCount => Recurrent.SequenceCount * Heads;

    /// <summary>Multiply-adds of the step.</summary>
    public readonly long Work => 2L * Recurrent.RowCount * Heads * StateFloats;

    /// <summary>What is wrong with the arguments, or null; checked before a byte is written.</summary>
    public readonly string? FindFault()
    {
        if (HeadSize is <= 0 or > HeadSizeMax || HeadSize % 16 != 0)
            return $"the head size is {HeadSize}, not a multiple of 16 up to {HeadSizeMax}";
        if (StateSize is <= 0 or > StateSizeMax)
            return $"the state size is {StateSize}, not a number up to {StateSizeMax}";
        if (Groups <= 0 || Heads <= 0 || Heads % Groups != 0)
            return $"{Heads} heads are not a multiple of {Groups} groups";
        return Recurrent.StateElements != (long)Heads * StateFloats
            ? $"a slot has {Recurrent.StateElements} numbers, not {(long)Heads * StateFloats}" : Recurrent.FindFault();
    }
}

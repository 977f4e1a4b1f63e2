namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>The arguments of one call of the gated delta rule as plain pointers.</summary>
internal unsafe struct GatedDeltaStep
{
    public const int KeySizeMax = 256;
    public const int ValueSizeMax = 256;

    /// <summary>
    /// Rows and states. A slot is a matrix for each value head one after the other: per 16 columns [key size, 16], the value size in all.
    /// </summary>
    public RecurrentStep Recurrent;

    /// <summary>Queries and keys of the key heads, then values [rows, <see cref="MixedWidth"/>], as the convolution left them.</summary>
    public float* Mixed;

    /// <summary>Gates of the result [rows, value heads · value size], <see cref="GateStride"/> apart.</summary>
    public float* Gate;

    /// <summary>What becomes the strength of a correction by its sigmoid [rows, value heads], <see cref="FactorStride"/> apart.</summary>
    public float* Strength;

    /// <summary>What becomes the decay of the state [rows, value heads], <see cref="FactorStride"/> apart.</summary>
    public float* Time;

    /// <summary>Added to <see cref="Time"/> before its softplus [value heads].</summary>
    public float* TimeBias;

    /// <summary>What that is multiplied with, negative; the decay is e to the power of the product [value heads].</summary>
    public float* Decay;

    /// <summary>Weights of the norm of a head's result [value size].</summary>
    public float* Norm;

    /// <summary>The result [rows, value heads · value size].</summary>
    public float* Output;

    public int GateStride;
    public int FactorStride;
    public int KeyHeads;
    public int ValueHeads;
    public int KeySize;
    public int ValueSize;

    /// <summary>Value heads of the same key head lie as many apart as there are key heads; else they are neighbours.</summary>
    public bool IsTiled;

    /// <summary>Added to the mean of squares in the norm.</summary>
    public float Epsilon;

    /// <summary>Floats of a row of <see cref="Mixed"/>.</summary>
    public readonly int MixedWidth => (2 * KeyHeads * KeySize) + ValueWidth;

    /// <summary>Floats of a row of the result.</summary>
    public readonly int ValueWidth => ValueHeads * ValueSize;

    /// <summary>Floats of a head's state.</summary>
    public readonly int StateFloats => KeySize * ValueSize;

    /// <summary>Units of the step: a head of a sequence each.</summary>
    public readonly int UnitCount => Recurrent.SequenceCount * ValueHeads;

    /// <summary>Multiply-adds of the step.</summary>
    public readonly long Work => 2L * Recurrent.RowCount * ValueHeads * StateFloats;

    /// <summary>The key head that a value head reads.</summary>
    public readonly int KeyHeadOf(int head) => IsTiled ? head % KeyHeads : head / (ValueHeads / KeyHeads);

    /// <summary>What is wrong with the arguments, or null; checked before a byte is written.</summary>
    public readonly string? FindFault()
    {
        if (KeySize is <= 0 or > KeySizeMax || KeySize % 16 != 0)
            return $"the key size is {KeySize}, not a multiple of 16 up to {KeySizeMax}";
        if (ValueSize is <= 0 or > ValueSizeMax || ValueSize % 16 != 0)
            return $"the value size is {ValueSize}, not a multiple of 16 up to {ValueSizeMax}";
        if (KeyHeads <= 0 || ValueHeads <= 0 || ValueHeads % KeyHeads != 0)
            return $"{ValueHeads} value heads are not a multiple of {KeyHeads} key heads";
        return Recurrent.StateElements != (long)ValueHeads * StateFloats
            ? $"a slot has {Recurrent.StateElements} numbers, not {(long)ValueHeads * StateFloats}" : Recurrent.FindFault();
    }
}

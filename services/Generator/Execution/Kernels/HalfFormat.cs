namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The numbers behind <see cref="KvCachePrecision.Fp16"/>. Without subnormals every widening is a shift, a mask and one exact
/// multiplication, and
/// none of it meets a float32 subnormal, for which processors of Intel's take a slow way.
/// </summary>
internal static class HalfFormat
{
    /// <summary>Bits of mantissa that float32 has more.</summary>
    public const int Shift = 13;

    /// <summary>The difference of the exponents' biases, where float32 has its exponent.</summary>
    public const int BiasDifference = 112 << 23;

    public const int Largest = 0x7fff;

    /// <summary>2 to the power of −14; half of it is rounded up to it.</summary>
    public const int Smallest = 0x0400;

    public const int Sign = 0x8000;

    /// <summary>What is left of a sign-extended and shifted number: its sign, exponent and mantissa.</summary>
    public const int WideMask = unchecked((int)0x8fffe000);

    /// <summary>2 to the power of 112: puts the exponent right.</summary>
    public const float WideFactor = 5.192296858534828e33f;
}

using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The few vector operations that the kernels need, so that one kernel text serves every width. All of it is resolved and inlined
/// by the JIT: a kernel over <c>Vector512Ops</c> contains nothing but 512-bit instructions.
/// </summary>
/// <typeparam name="TVector">A vector of floats.</typeparam>
internal unsafe interface IVectorOps<TVector>
    where TVector : struct
{
    /// <summary>Floats per vector; divides 16.</summary>
    static abstract int Width { get; }

    static abstract TVector Broadcast(float value);

    static abstract TVector Load(float* source);

    static abstract void Store(float* destination, TVector value);

    /// <summary>
    /// Stores to memory past the caches, which need not fetch the line then; <paramref name="destination"/> is aligned to the vector.
    /// Who tells others of it needs a fence before.
    /// </summary>
    static abstract void StorePast(float* destination, TVector value);

    /// <summary>Widens numbers of <see cref="KvCachePrecision.Fp16"/>, exactly.</summary>
    static abstract TVector LoadHalf(short* source);

    /// <summary>Rounds to numbers of <see cref="KvCachePrecision.Fp16"/>, ties to even; what is too large becomes the largest.</summary>
    static abstract void StoreHalf(short* destination, TVector value);

    static abstract TVector LoadInt8(sbyte* source);

    /// <summary>Stores integers from −128 to 127.</summary>
    static abstract void StoreInt8(sbyte* destination, TVector value);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);

    static abstract TVector Multiply(TVector left, TVector right);

    static abstract TVector Divide(TVector left, TVector right);

    /// <summary>left × right + addend; fused wherever the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    static abstract TVector Max(TVector left, TVector right);

    static abstract TVector Abs(TVector value);

    static abstract TVector CopySign(TVector value, TVector sign);

    /// <summary>Rounds to the nearest integer.</summary>
    static abstract TVector Round(TVector value);

    /// <summary>value × 2 to the power of integers up to 127; 0 where they are below −126.</summary>
    static abstract TVector Scale(TVector value, TVector exponent);

    /// <summary>Keeps the lanes from <paramref name="first"/> to <paramref name="end"/> − 1; the others become
    /// <paramref name="other"/> whatever they hold.</summary>
    static abstract TVector Keep(TVector value, int first, int end, float other);

    /// <summary>The largest lane of each of four vectors.</summary>
    static abstract Vector128<float> MaxAcross(TVector first, TVector second, TVector third, TVector fourth);

    /// <summary>The sum of the lanes, always in the same order.</summary>
    static abstract float SumAcross(TVector value);
}

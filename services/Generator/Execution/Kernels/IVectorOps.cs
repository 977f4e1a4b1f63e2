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

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);

    static abstract TVector Multiply(TVector left, TVector right);

    /// <summary>left × right + addend; fused wherever the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    static abstract TVector Max(TVector left, TVector right);

    /// <summary>Rounds to the nearest integer.</summary>
    static abstract TVector Round(TVector value);

    /// <summary>2 to the power of integers from −126 to 127.</summary>
    static abstract TVector PowerOfTwo(TVector exponent);

    /// <summary>The value, but 0 in lanes where <paramref name="test"/> is below <paramref name="limit"/>.</summary>
    static abstract TVector ZeroWhereBelow(TVector test, float limit, TVector value);

    /// <summary>Keeps the first lanes; the others become −∞ whatever they hold.</summary>
    static abstract TVector KeepFirst(TVector value, int count);

    /// <summary>The largest lane.</summary>
    static abstract float MaxAcross(TVector value);

    /// <summary>The sum of the lanes, always in the same order.</summary>
    static abstract float SumAcross(TVector value);
}

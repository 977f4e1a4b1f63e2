using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>4 outputs at a time on Arm, by dot products where the processor has them.</summary>
internal readonly unsafe struct AdvSimdOps : IQuantizedOps<Vector128<int>, Vector128<float>>
{
    public static int Width => 4;

    public static int TileRows => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> LoadCodes(byte* codes) => Vector128.Load((int*)codes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Low(Vector128<int> codes) => codes & Vector128.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> High(Vector128<int> codes) => (codes.AsByte() >>> 4).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> LookUp(byte* table, Vector128<int> nibbles) =>
        AdvSimd.Arm64.VectorTableLookup(Vector128.Load(table), nibbles.AsByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Broadcast(sbyte* activations) => Vector128.Create(*(int*)activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Multiply(Vector128<int> low, Vector128<int> first, Vector128<int> high, Vector128<int> second) =>
        Accumulate(Vector128<int>.Zero, low, first, high, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Accumulate(
        Vector128<int> sum, Vector128<int> low, Vector128<int> first, Vector128<int> high, Vector128<int> second) =>
        Dot(Dot(sum, low, first), high, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Widen(Vector128<int> sum) => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> LoadSums(int* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(int* destination, Vector128<int> sums) => sums.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> left, Vector128<int> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToFloat(Vector128<int> sums) => AdvSimd.ConvertToSingle(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalves(ushort* halves, Vector128<float> factor)
    {
        var bits = AdvSimd.SignExtendWideningLower(Vector64.Load((short*)halves)) << 13;
        return (bits & Vector128.Create(unchecked((int)0x8FFFE000))).AsSingle() * factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector128<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> left, Vector128<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        AdvSimd.FusedMultiplyAdd(addend, left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(Vector128<int> sum, Vector128<int> codes, Vector128<int> activations)
    {
        // Codes up to 15 are the same signed.
        if (Dp.IsSupported)
            return Dp.DotProduct(sum, codes.AsSByte(), activations.AsSByte());
        var (left, right) = (codes.AsSByte(), activations.AsSByte());
        var pairs = AdvSimd.Arm64.AddPairwise(
            AdvSimd.MultiplyWideningLower(left.GetLower(), right.GetLower()), AdvSimd.MultiplyWideningUpper(left, right));
        return AdvSimd.AddPairwiseWideningAndAdd(sum, pairs);
    }
}

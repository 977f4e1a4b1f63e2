using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>8 outputs at a time by AVX2 with VNNI in its VEX form.</summary>
internal readonly unsafe struct AvxVnniOps : IQuantizedOps<Vector256<int>, Vector256<float>>
{
    public static int Width => 8;

    public static int TileRows => 2;

    public static bool HasRow => true;

    public static void RunRow(QuantizedTile* tile) => QuantizedRowBody<AvxVnniOps>.Run(tile);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> LoadCodes(byte* codes) => Vector256.Load((int*)codes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Low(Vector256<int> codes) => codes & Vector256.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> High(Vector256<int> codes) => (codes >>> 4) & Vector256.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> LookUp(byte* table, Vector256<int> nibbles) =>
        Avx2.Shuffle(Vector256.Load(table), nibbles.AsByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Broadcast(sbyte* activations) => Vector256.Create(*(int*)activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Multiply(Vector256<int> low, Vector256<int> first, Vector256<int> high, Vector256<int> second) =>
        Accumulate(Vector256<int>.Zero, low, first, high, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Accumulate(
        Vector256<int> sum, Vector256<int> low, Vector256<int> first, Vector256<int> high, Vector256<int> second)
    {
        var sums = AvxVnni.MultiplyWideningAndAdd(sum, low.AsByte(), first.AsSByte());
        return AvxVnni.MultiplyWideningAndAdd(sums, high.AsByte(), second.AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Widen(Vector256<int> sum) => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> LoadSums(int* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(int* destination, Vector256<int> sums) => sums.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> left, Vector256<int> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToFloat(Vector256<int> sums) => Avx.ConvertToVector256Single(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalves(ushort* halves, Vector256<float> factor)
    {
        // The sign goes to bit 31 and three bits below it, of which the mask leaves the first.
        var bits = Avx2.ConvertToVector256Int32((short*)halves) << 13;
        return (bits & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle() * factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector256<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> left, Vector256<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Fma.MultiplyAdd(left, right, addend);
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>16 outputs at a time by AVX-512 BW. .NET offers no 512-bit VNNI, and this needs only adds more, which other ports do.</summary>
internal readonly unsafe struct Avx512Ops : IQuantizedOps<Vector512<int>, Vector512<float>>
{
    public static int Width => 16;

    public static int TileRows => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LoadCodes(byte* codes) => Vector512.Load((int*)codes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Low(Vector512<int> codes) => codes & Vector512.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> High(Vector512<int> codes) => (codes >>> 4) & Vector512.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LookUp(byte* table, Vector512<int> nibbles) =>
        Avx512BW.Shuffle(Vector512.Load(table), nibbles.AsByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Broadcast(sbyte* activations) => Vector512.Create(*(int*)activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(Vector512<int> low, Vector512<int> first, Vector512<int> high, Vector512<int> second)
    {
        var pairs = Avx512BW.MultiplyAddAdjacent(low.AsByte(), first.AsSByte());
        return (pairs + Avx512BW.MultiplyAddAdjacent(high.AsByte(), second.AsSByte())).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Accumulate(
        Vector512<int> sum, Vector512<int> low, Vector512<int> first, Vector512<int> high, Vector512<int> second)
    {
        var pairs = Avx512BW.MultiplyAddAdjacent(low.AsByte(), first.AsSByte()) + sum.AsInt16();
        return (pairs + Avx512BW.MultiplyAddAdjacent(high.AsByte(), second.AsSByte())).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Widen(Vector512<int> sum) =>
        Avx512BW.MultiplyAddAdjacent(sum.AsInt16(), Vector512<short>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LoadSums(int* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(int* destination, Vector512<int> sums) => sums.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> left, Vector512<int> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToFloat(Vector512<int> sums) => Avx512F.ConvertToVector512Single(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalves(ushort* halves, Vector512<float> factor)
    {
        // The sign goes to bit 31 and three bits below it, of which the mask leaves the first.
        var bits = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)halves)) << 13;
        return (bits & Vector512.Create(unchecked((int)0x8FFFE000))).AsSingle() * factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector512<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> left, Vector512<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector512.FusedMultiplyAdd(left, right, addend);
}

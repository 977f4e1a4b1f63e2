using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Parley.Generator.Execution.Kernels;

/// <summary>8 floats at a time.</summary>
internal readonly unsafe struct Vector256Ops : IVectorOps<Vector256<float>>
{
    public static int Width => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector256<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePast(float* destination, Vector256<float> value) => value.StoreAlignedNonTemporal(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalf(short* source)
    {
        if (Avx2.IsSupported)
            return FromHalf(Avx2.ConvertToVector256Int32(source));
        var narrow = Vector128.Load(source);
        return FromHalf(Vector256.Create(Vector128.WidenLower(narrow), Vector128.WidenUpper(narrow)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(short* destination, Vector256<float> value)
    {
        var half = ToHalf(value);
        Vector128.Narrow(half.GetLower(), half.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source)
    {
        if (Avx2.IsSupported)
            return Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source));
        var narrow = Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsSByte());
        return Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(narrow), Vector128.WidenUpper(narrow)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(sbyte* destination, Vector256<float> value)
    {
        var integers = Vector256.ConvertToInt32Native(value);
        var narrow = Vector128.Narrow(integers.GetLower(), integers.GetUpper());
        *(ulong*)destination = Vector128.Narrow(narrow, narrow).AsUInt64().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> left, Vector256<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> left, Vector256<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> left, Vector256<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Vector256.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> left, Vector256<float> right) => Vector256.MaxNative(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Abs(Vector256<float> value) => Vector256.Abs(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> CopySign(Vector256<float> value, Vector256<float> sign) => Vector256.CopySign(value, sign);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Round(Vector256<float> value) => Vector256.Round(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(Vector256<float> value, Vector256<float> exponent)
    {
        var power = Vector256.ConvertToInt32Native(Vector256.MaxNative(exponent, Vector256.Create(-127f))) + Vector256.Create(127);
        return value * (power << 23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Keep(Vector256<float> value, int first, int end, float other)
    {
        var lanes = Vector256<int>.Indices - Vector256.Create(first);
        // As unsigned numbers lanes before the first are large, so one comparison finds both ends.
        var kept = Vector256.LessThan(lanes.AsUInt32(), Vector256.Create((uint)Math.Max(end - first, 0)));
        return Vector256.ConditionalSelect(kept.AsSingle(), value, Vector256.Create(other));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MaxAcross(
        Vector256<float> first, Vector256<float> second, Vector256<float> third, Vector256<float> fourth) =>
        Vector128Ops.MaxAcross(Halved(first), Halved(second), Halved(third), Halved(fourth));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumAcross(Vector256<float> value) => Vector128Ops.SumAcross(value.GetLower() + value.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Halved(Vector256<float> value) => Vector128.MaxNative(value.GetLower(), value.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> ToHalf(Vector256<float> value)
    {
        var bits = value.AsInt32();
        var magnitude = (bits & Vector256.Create(int.MaxValue)) - Vector256.Create(HalfFormat.BiasDifference);
        var rounded = (magnitude + Vector256.Create(0xfff) + ((magnitude >> HalfFormat.Shift) & Vector256<int>.One)) >> HalfFormat.Shift;
        var held = Vector256.Min(Vector256.Max(rounded, Vector256.Create(HalfFormat.Smallest)), Vector256.Create(HalfFormat.Largest));
        var sign = (bits >> 16) & Vector256.Create(HalfFormat.Sign);
        return Vector256.AndNot(held, Vector256.LessThan(rounded, Vector256<int>.Zero)) | sign;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FromHalf(Vector256<int> signed) =>
        ((signed << HalfFormat.Shift) & Vector256.Create(HalfFormat.WideMask)).AsSingle() * Vector256.Create(HalfFormat.WideFactor);
}

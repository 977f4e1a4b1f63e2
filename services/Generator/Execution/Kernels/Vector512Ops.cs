using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Parley.Generator.Execution.Kernels;

/// <summary>16 floats at a time.</summary>
internal readonly unsafe struct Vector512Ops : IVectorOps<Vector512<float>>
{
    public static int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector512<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePast(float* destination, Vector512<float> value) => value.StoreAlignedNonTemporal(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalf(short* source)
    {
        var narrow = Vector256.Load(source);
        return FromHalf(Avx512F.IsSupported ? Avx512F.ConvertToVector512Int32(narrow)
            : Vector512.Create(Vector256.WidenLower(narrow.ToVector512().GetLower()), Vector256.WidenUpper(narrow)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(short* destination, Vector512<float> value)
    {
        var half = ToHalf(value);
        Vector256.Narrow(half.GetLower(), half.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt8(sbyte* source)
    {
        var narrow = Vector128.Load(source);
        if (Avx512F.IsSupported)
            return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(narrow));
        var (low, high) = Vector128.Widen(narrow);
        return Vector512.ConvertToSingle(Vector512.Create(
            Vector256.Create(Vector128.WidenLower(low), Vector128.WidenUpper(low)),
            Vector256.Create(Vector128.WidenLower(high), Vector128.WidenUpper(high))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(sbyte* destination, Vector512<float> value)
    {
        var integers = Vector512.ConvertToInt32Native(value);
        var narrow = Vector256.Narrow(integers.GetLower(), integers.GetUpper());
        Vector128.Narrow(narrow.GetLower(), narrow.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> left, Vector512<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> left, Vector512<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> left, Vector512<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> left, Vector512<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector512.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> left, Vector512<float> right) => Vector512.MaxNative(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> value) => Vector512.Abs(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> CopySign(Vector512<float> value, Vector512<float> sign) => Vector512.CopySign(value, sign);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> value) => Vector512.Round(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scale(Vector512<float> value, Vector512<float> exponent)
    {
        if (Avx512F.IsSupported)
            return Avx512F.Scale(value, exponent);
        var power = Vector512.ConvertToInt32Native(Vector512.MaxNative(exponent, Vector512.Create(-127f))) + Vector512.Create(127);
        return value * (power << 23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Keep(Vector512<float> value, int first, int end, float other)
    {
        var lanes = Vector512<int>.Indices - Vector512.Create(first);
        // As unsigned numbers lanes before the first are large, so one comparison finds both ends.
        var kept = Vector512.LessThan(lanes.AsUInt32(), Vector512.Create((uint)Math.Max(end - first, 0)));
        return Vector512.ConditionalSelect(kept.AsSingle(), value, Vector512.Create(other));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MaxAcross(
        Vector512<float> first, Vector512<float> second, Vector512<float> third, Vector512<float> fourth) =>
        Vector256Ops.MaxAcross(Halved(first), Halved(second), Halved(third), Halved(fourth));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumAcross(Vector512<float> value) => Vector256Ops.SumAcross(value.GetLower() + value.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halved(Vector512<float> value) => Vector256.MaxNative(value.GetLower(), value.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> ToHalf(Vector512<float> value)
    {
        var bits = value.AsInt32();
        var magnitude = (bits & Vector512.Create(int.MaxValue)) - Vector512.Create(HalfFormat.BiasDifference);
        var rounded = (magnitude + Vector512.Create(0xfff) + ((magnitude >> HalfFormat.Shift) & Vector512<int>.One)) >> HalfFormat.Shift;
        var held = Vector512.Min(Vector512.Max(rounded, Vector512.Create(HalfFormat.Smallest)), Vector512.Create(HalfFormat.Largest));
        var sign = (bits >> 16) & Vector512.Create(HalfFormat.Sign);
        return Vector512.AndNot(held, Vector512.LessThan(rounded, Vector512<int>.Zero)) | sign;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FromHalf(Vector512<int> signed) =>
        ((signed << HalfFormat.Shift) & Vector512.Create(HalfFormat.WideMask)).AsSingle() * Vector512.Create(HalfFormat.WideFactor);
}

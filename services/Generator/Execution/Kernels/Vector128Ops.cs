using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Parley.Generator.Execution.Kernels;

/// <summary>4 floats at a time.</summary>
internal readonly unsafe struct Vector128Ops : IVectorOps<Vector128<float>>
{
    public static int Width => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector128<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePast(float* destination, Vector128<float> value) => value.StoreAlignedNonTemporal(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalf(short* source) =>
        FromHalf(Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsInt16()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(short* destination, Vector128<float> value)
    {
        var half = ToHalf(value);
        *(ulong*)destination = Vector128.Narrow(half, half).AsUInt64().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt8(sbyte* source) => Vector128.ConvertToSingle(
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(uint*)source).AsSByte())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(sbyte* destination, Vector128<float> value)
    {
        var integers = Vector128.ConvertToInt32Native(value);
        var narrow = Vector128.Narrow(integers, integers);
        *(uint*)destination = Vector128.Narrow(narrow, narrow).AsUInt32().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> left, Vector128<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> left, Vector128<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> left, Vector128<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        Vector128.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> left, Vector128<float> right) => Vector128.MaxNative(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Abs(Vector128<float> value) => Vector128.Abs(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> CopySign(Vector128<float> value, Vector128<float> sign) => Vector128.CopySign(value, sign);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Round(Vector128<float> value) => Vector128.Round(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Scale(Vector128<float> value, Vector128<float> exponent)
    {
        var power = Vector128.ConvertToInt32Native(Vector128.MaxNative(exponent, Vector128.Create(-127f))) + Vector128.Create(127);
        return value * (power << 23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Keep(Vector128<float> value, int first, int end, float other)
    {
        var lanes = Vector128<int>.Indices - Vector128.Create(first);
        // As unsigned numbers lanes before the first are large, so one comparison finds both ends.
        var kept = Vector128.LessThan(lanes.AsUInt32(), Vector128.Create((uint)Math.Max(end - first, 0)));
        return Vector128.ConditionalSelect(kept.AsSingle(), value, Vector128.Create(other));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MaxAcross(
        Vector128<float> first, Vector128<float> second, Vector128<float> third, Vector128<float> fourth)
    {
        if (!Sse.IsSupported)
            return Vector128.Create(Largest(first), Largest(second), Largest(third), Largest(fourth));
        var left = Sse.Max(Sse.UnpackLow(first, second), Sse.UnpackHigh(first, second));
        var right = Sse.Max(Sse.UnpackLow(third, fourth), Sse.UnpackHigh(third, fourth));
        return Sse.Max(Sse.MoveLowToHigh(left, right), Sse.MoveHighToLow(right, left));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumAcross(Vector128<float> value) => (value[0] + value[2]) + (value[1] + value[3]);

    private static float Largest(Vector128<float> value) => MathF.Max(MathF.Max(value[0], value[2]), MathF.Max(value[1], value[3]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> ToHalf(Vector128<float> value)
    {
        var bits = value.AsInt32();
        var magnitude = (bits & Vector128.Create(int.MaxValue)) - Vector128.Create(HalfFormat.BiasDifference);
        var rounded = (magnitude + Vector128.Create(0xfff) + ((magnitude >> HalfFormat.Shift) & Vector128<int>.One)) >> HalfFormat.Shift;
        var held = Vector128.Min(Vector128.Max(rounded, Vector128.Create(HalfFormat.Smallest)), Vector128.Create(HalfFormat.Largest));
        var sign = (bits >> 16) & Vector128.Create(HalfFormat.Sign);
        return Vector128.AndNot(held, Vector128.LessThan(rounded, Vector128<int>.Zero)) | sign;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> FromHalf(Vector128<int> signed) =>
        ((signed << HalfFormat.Shift) & Vector128.Create(HalfFormat.WideMask)).AsSingle() * Vector128.Create(HalfFormat.WideFactor);
}

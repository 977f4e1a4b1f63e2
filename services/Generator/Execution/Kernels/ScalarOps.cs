using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels;

/// <summary>One float at a time: for processors without vectors, and the plainest partner in tests.</summary>
internal readonly unsafe struct ScalarOps : IVectorOps<float>
{
    public static int Width => 1;

    public static float Broadcast(float value) => value;

    public static float Load(float* source) => *source;

    public static void Store(float* destination, float value) => *destination = value;

    public static void StorePast(float* destination, float value) => *destination = value;

    public static float LoadHalf(short* source) =>
        BitConverter.Int32BitsToSingle((*source << HalfFormat.Shift) & HalfFormat.WideMask) * HalfFormat.WideFactor;

    public static void StoreHalf(short* destination, float value)
    {
        var bits = BitConverter.SingleToInt32Bits(value);
        var magnitude = (bits & int.MaxValue) - HalfFormat.BiasDifference;
        var rounded = (magnitude + 0xfff + ((magnitude >> HalfFormat.Shift) & 1)) >> HalfFormat.Shift;
        var held = rounded < 0 ? 0 : Math.Clamp(rounded, HalfFormat.Smallest, HalfFormat.Largest);
        *destination = (short)(held | ((bits >> 16) & HalfFormat.Sign));
    }

    public static float LoadInt8(sbyte* source) => *source;

    public static void StoreInt8(sbyte* destination, float value) => *destination = (sbyte)float.ConvertToIntegerNative<int>(value);

    public static float Add(float left, float right) => left + right;

    public static float Subtract(float left, float right) => left - right;

    public static float Multiply(float left, float right) => left * right;

    public static float Divide(float left, float right) => left / right;

    public static float MultiplyAdd(float left, float right, float addend) => float.MultiplyAddEstimate(left, right, addend);

    public static float Max(float left, float right) => MathF.Max(left, right);

    public static float Abs(float value) => MathF.Abs(value);

    public static float CopySign(float value, float sign) => MathF.CopySign(value, sign);

    public static float Round(float value) => MathF.Round(value);

    public static float Scale(float value, float exponent) =>
        value * BitConverter.Int32BitsToSingle((float.ConvertToIntegerNative<int>(MathF.Max(exponent, -127)) + 127) << 23);

    public static float Keep(float value, int first, int end, float other) => first <= 0 && end > 0 ? value : other;

    public static Vector128<float> MaxAcross(float first, float second, float third, float fourth) =>
        Vector128.Create(first, second, third, fourth);

    public static float SumAcross(float value) => value;
}

namespace Parley.Generator.Execution.Kernels;

/// <summary>One float at a time: for processors without vectors, and the plainest partner in tests.</summary>
internal readonly unsafe struct ScalarOps : IVectorOps<float>
{
    public static int Width => 1;

    public static float Broadcast(float value) => value;

    public static float Load(float* source) => *source;

    public static void Store(float* destination, float value) => *destination = value;

    public static float Add(float left, float right) => left + right;

    public static float Subtract(float left, float right) => left - right;

    public static float Multiply(float left, float right) => left * right;

    public static float MultiplyAdd(float left, float right, float addend) => float.MultiplyAddEstimate(left, right, addend);

    public static float Max(float left, float right) => MathF.Max(left, right);

    public static float Round(float value) => MathF.Round(value);

    public static float PowerOfTwo(float exponent) =>
        BitConverter.Int32BitsToSingle((float.ConvertToIntegerNative<int>(exponent) + 127) << 23);

    public static float ZeroWhereBelow(float test, float limit, float value) => test < limit ? 0 : value;

    public static float KeepFirst(float value, int count) => count > 0 ? value : float.NegativeInfinity;

    public static float MaxAcross(float value) => value;

    public static float SumAcross(float value) => value;
}

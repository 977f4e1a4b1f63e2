namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>One output at a time: for processors without vectors, and the truth that the variants are compared with.</summary>
internal readonly unsafe struct ScalarQuantizedOps : IQuantizedOps<int, float>
{
    public static int Width => 1;

    public static int TileRows => 1;

    public static int LoadCodes(byte* codes) => *(int*)codes;

    public static int Low(int codes) => codes & 0x0F0F0F0F;

    public static int High(int codes) => (codes >>> 4) & 0x0F0F0F0F;

    public static int LookUp(byte* table, int nibbles) =>
        table[nibbles & 15] | (table[(nibbles >> 8) & 15] << 8) | (table[(nibbles >> 16) & 15] << 16) | (table[(nibbles >> 24) & 15] << 24);

    public static int Broadcast(sbyte* activations) => *(int*)activations;

    public static int Multiply(int low, int first, int high, int second) => Dot(low, first) + Dot(high, second);

    public static int Accumulate(int sum, int low, int first, int high, int second) => sum + Dot(low, first) + Dot(high, second);

    public static int Widen(int sum) => sum;

    public static int LoadSums(int* source) => *source;

    public static void Store(int* destination, int sums) => *destination = sums;

    public static int Add(int left, int right) => left + right;

    public static float ToFloat(int sums) => sums;

    public static float LoadHalves(ushort* halves, float factor) =>
        BitConverter.Int32BitsToSingle(((short)*halves << 13) & unchecked((int)0x8FFFE000)) * factor;

    public static float Broadcast(float value) => value;

    public static float Load(float* source) => *source;

    public static void Store(float* destination, float value) => *destination = value;

    public static float Multiply(float left, float right) => left * right;

    public static float MultiplyAdd(float left, float right, float addend) => MathF.FusedMultiplyAdd(left, right, addend);

    private static int Dot(int codes, int activations)
    {
        var sum = 0;
        for (var shift = 0; shift < 32; shift += 8)
            sum += ((codes >> shift) & 15) * (sbyte)(activations >> shift);
        return sum;
    }
}

using System.Runtime.InteropServices;

namespace Parley.Generator.Execution.Cuda;

/// <summary>Values in the types of a CUDA graph, and back.</summary>
internal static class NarrowFloat
{
    /// <summary>A value as the type holds it.</summary>
    /// <param name="value">The value.</param>
    /// <param name="type"><c>fp16</c>, <c>bf16</c> or <c>fp32</c>.</param>
    public static float Round(float value, string type) => type switch
    {
        "fp16" => (float)(Half)value,
        "bf16" => BitConverter.UInt32BitsToSingle((uint)ToBFloat16(value) << 16),
        _ => value,
    };

    public static byte[] Encode(float[] values, string type)
    {
        if (type == "fp32")
            return MemoryMarshal.AsBytes<float>(values).ToArray();
        var bits = new ushort[values.Length];
        for (var i = 0; i < values.Length; i++)
            bits[i] = type == "bf16" ? ToBFloat16(values[i]) : BitConverter.HalfToUInt16Bits((Half)values[i]);
        return MemoryMarshal.AsBytes<ushort>(bits).ToArray();
    }

    public static float[] Decode(ReadOnlySpan<byte> bytes, string type)
    {
        if (type == "fp32")
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        var values = new float[bytes.Length / sizeof(ushort)];
        var bits = MemoryMarshal.Cast<byte, ushort>(bytes);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = type == "bf16"
                ? BitConverter.UInt32BitsToSingle((uint)bits[i] << 16)
                : (float)BitConverter.UInt16BitsToHalf(bits[i]);
        }

        return values;
    }

    /// <summary>The upper half of a float, rounded half to even; NaN stays NaN.</summary>
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}

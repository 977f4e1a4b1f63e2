using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Parley.ModelImporter.Safetensors;

/// <summary>Widens stored weights to fp32.</summary>
internal static class FloatDecoder
{
    /// <param name="type">Type of the stored elements.</param>
    /// <param name="source">The elements, little-endian, at any alignment.</param>
    /// <param name="destination">Takes as many values as <paramref name="source"/> holds.</param>
    public static void Decode(SafetensorsType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case SafetensorsType.Float32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case SafetensorsType.Float16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination);
                break;
            case SafetensorsType.BFloat16:
                DecodeBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>A bfloat16 is the upper half of a float.</summary>
    private static void DecodeBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var width = Vector<ushort>.Count;
        var i = 0;
        for (; i <= source.Length - width; i += width)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            Vector.AsVectorSingle(low << 16).CopyTo(destination[i..]);
            Vector.AsVectorSingle(high << 16).CopyTo(destination[(i + (width / 2))..]);
        }

        for (; i < source.Length; i++)
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }
}

using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>A floating-point type of a graph's activations and dense weights.</summary>
/// <param name="Name">As a manifest has it.</param>
/// <param name="Onnx">Its number in the ONNX format.</param>
/// <param name="Bytes">Bytes of one element.</param>
internal sealed record ElementType(string Name, DataType Onnx, int Bytes)
{
    public static ElementType Float32 { get; } = new("fp32", DataType.Float, sizeof(float));

    public static ElementType Float16 { get; } = new("fp16", DataType.Float16, sizeof(ushort));

    public static ElementType BFloat16 { get; } = new("bf16", DataType.Bfloat16, sizeof(ushort));

    private const int ChunkElements = 1 << 16;

    /// <summary>Plans an initializer of this type.</summary>
    public TensorTarget Reserve(OnnxGraphBuilder graph, string name, params ReadOnlySpan<long> dimensions)
    {
        var bytes = (long)Bytes;
        foreach (var dimension in dimensions)
            bytes = checked(bytes * dimension);
        return graph.Reserve(name, Onnx, bytes, dimensions);
    }

    /// <summary>Rounds values (half to even) and writes them from element <paramref name="first"/> on; from any thread.</summary>
    /// <exception cref="InvalidDataException">A value is beyond this type's range.</exception>
    public void Write(DataFile data, TensorTarget target, long first, ReadOnlySpan<float> values)
    {
        if (this == Float32)
        {
            target.Write(data, first * Bytes, MemoryMarshal.AsBytes(values));
            return;
        }

        Span<ushort> encoded = new ushort[Math.Min(values.Length, ChunkElements)];
        for (var start = 0; start < values.Length; start += ChunkElements)
        {
            var chunk = values.Slice(start, Math.Min(ChunkElements, values.Length - start));
            Encode(chunk, encoded, target.Name);
            target.Write(data, (first + start) * Bytes, MemoryMarshal.AsBytes(encoded[..chunk.Length]));
        }
    }

    /// <summary>Rounds values to the 16 bits of this type.</summary>
    /// <exception cref="InvalidDataException">A value is beyond this type's range.</exception>
    public void Encode(ReadOnlySpan<float> values, Span<ushort> encoded, string tensor)
    {
        if (this == BFloat16)
        {
            for (var i = 0; i < values.Length; i++)
                encoded[i] = RoundToBFloat16(values[i]);
        }
        else
        {
            TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<ushort, Half>(encoded));
        }

        // Finite weights only come in, so the largest exponent is an overflow. fp16 ends at 65,504; bf16 goes as far as fp32.
        var exponent = this == BFloat16 ? 0x7F80 : 0x7C00;
        foreach (var bits in encoded[..values.Length])
        {
            if ((bits & exponent) == exponent)
                throw new InvalidDataException($"{tensor} holds a weight beyond the range of {Name}; import the model as bf16 or fp32.");
        }
    }

    /// <summary>A value as this type holds it.</summary>
    public float Round(float value) =>
        this == Float16 ? (float)(Half)value
        : this == BFloat16 ? BitConverter.UInt32BitsToSingle((uint)RoundToBFloat16(value) << 16)
        : value;

    /// <summary>The upper half of a float, rounded half to even.</summary>
    public static ushort RoundToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}

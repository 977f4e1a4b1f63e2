using System.Runtime.InteropServices;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>Zero points in words along the rows: [rows / codes per word, groups].</summary>
/// <param name="words">The words.</param>
/// <param name="bits">Bits of a zero point.</param>
internal sealed class PackedZeroPoints(StoredSource words, int bits) : GroupNumbers
{
    public override void Read(TensorReading? reading, long row, Span<float> numbers)
    {
        var (word, place) = Math.DivRem(row, 32 / bits);
        Span<uint> packed = numbers.Length <= 256 ? stackalloc uint[numbers.Length] : new uint[numbers.Length];
        words.ReadBytes(reading, word * packed.Length * sizeof(uint), MemoryMarshal.AsBytes(packed));
        var mask = (1u << bits) - 1;
        for (var group = 0; group < packed.Length; group++)
            numbers[group] = packed[group] >> (int)(place * bits) & mask;
    }
}

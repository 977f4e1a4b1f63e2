using Parley.ModelImporter.Forms;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Exports;

/// <summary>Zero points of MatMulNBits: those of a row's groups packed as its codes are, each row from a byte of its own on.</summary>
/// <param name="zeros">The tensor, uint8.</param>
/// <param name="bits">Bits of each: 4 or 8.</param>
/// <param name="groups">Groups of a row.</param>
internal sealed class RowZeroPoints(StoredSource zeros, int bits, int groups) : GroupNumbers
{
    private readonly StoredCodes _codes = new(zeros, CodePacking.Bits, bits, groups);

    public override void Read(TensorReading? reading, long row, Span<float> numbers)
    {
        Span<byte> codes = groups <= 1024 ? stackalloc byte[groups] : new byte[groups];
        _codes.Read(reading, row, codes);
        for (var group = 0; group < groups; group++)
            numbers[group] = codes[group];
    }
}

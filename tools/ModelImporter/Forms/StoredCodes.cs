using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>Codes whose rows lie one after the other.</summary>
/// <param name="source">The tensor.</param>
/// <param name="packing">How they lie in a row.</param>
/// <param name="bits">Bits of a code.</param>
/// <param name="columns">Codes of a row.</param>
internal sealed class StoredCodes(StoredSource source, CodePacking packing, int bits, int columns)
{
    private const int WordBits = 32;
    private const byte SignBit = 128;

    public StoredSource Source => source;

    /// <summary>Bytes of a row.</summary>
    public int RowBytes { get; } = packing == CodePacking.Words
        ? (columns + (WordBits / bits) - 1) / (WordBits / bits) * sizeof(uint)
        : (int)(((long)columns * bits) + 7) / 8;

    /// <summary>Reads a row, one byte for each code; from any thread.</summary>
    public void Read(TensorReading? reading, long row, Span<byte> codes)
    {
        if (packing == CodePacking.SignedBytes)
        {
            source.ReadBytes(reading, row * RowBytes, codes);
            foreach (ref var code in codes)
                code ^= SignBit;
            return;
        }

        // Whole codes are read as eight bytes at once, so there are some behind the last.
        var rented = ArrayPool<byte>.Shared.Rent(RowBytes + sizeof(ulong));
        var bytes = rented.AsSpan(0, RowBytes + sizeof(ulong));
        bytes[RowBytes..].Clear();
        source.ReadBytes(reading, row * RowBytes, bytes[..RowBytes]);
        if (bits == 4)
            SpreadNibbles(bytes, codes);
        else if (packing == CodePacking.Words)
            SpreadWords(bytes, codes);
        else
            SpreadBits(bytes, codes);
        ArrayPool<byte>.Shared.Return(rented);
    }

    private void SpreadNibbles(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        var isHighFirst = packing == CodePacking.HighNibbleFirst;
        var i = 0;
        for (; i + 8 <= codes.Length; i += 8)
        {
            var word = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i / 2)..]);
            if (isHighFirst)
                word = (word >> 4 & 0x0F0F0F0F) | (word & 0x0F0F0F0F) << 4;
            BinaryPrimitives.WriteUInt64LittleEndian(codes[i..], Nibbles.Spread(word));
        }

        for (; i < codes.Length; i++)
            codes[i] = (byte)(bytes[i / 2] >> ((i % 2 == 0) == isHighFirst ? 4 : 0) & 15);
    }

    private void SpreadBits(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        var mask = (1u << bits) - 1;
        for (var i = 0; i < codes.Length; i++)
        {
            var bit = i * bits;
            codes[i] = (byte)(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(bit >> 3)..]) >> (bit & 7) & mask);
        }
    }

    private void SpreadWords(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        var (mask, perWord) = ((1u << bits) - 1, WordBits / bits);
        var words = MemoryMarshal.Cast<byte, uint>(bytes);
        for (var i = 0; i < codes.Length; i++)
            codes[i] = (byte)(words[i / perWord] >> (i % perWord * bits) & mask);
    }
}

using System.Buffers.Binary;

namespace Parley.PackageFormat;

/// <summary>
/// How the weights of <c>ai.parley.QuantizedLinear</c> lie in a package: written by the importer, read in place by the Generator's
/// kernel. One file for both, so that they cannot disagree.
/// </summary>
/// <remarks>
/// Codes of one plane: blocks of <see cref="BlockOutputs"/> outputs; within a block all inputs in sequence, <see cref="VectorInputs"/> per
/// vector of <see cref="VectorBytes"/> bytes, whose byte j holds output j / 4, input j % 4 in the low and input 4 + j % 4 in the high
/// nibble. So a kernel reads one stream per block, and each vector needs no shuffle to meet four broadcast activations.
/// Scales: per block and group of inputs 16 IEEE halves, followed by 16 minima where the format has them.
/// <para>One plane: weight = scale · code + minimum; without minima, minimum = −8 · scale. One plane with a <see cref="LevelTable"/>:
/// weight = scale · level[code]. Two planes, the high nibbles of all blocks before the low ones, code = 16 · high + low:
/// weight = scale · code + minimum; without minima, minimum = −128 · scale.</para>
/// </remarks>
public static class QuantizedLinearLayout
{
    /// <summary>
    /// Version of this layout, an attribute of every node that reads it; a kernel refuses any that it does not know.
    /// </summary>
    public const int Version = 1;

    /// <summary>The same with what version 1 had not: a table of levels, minima of 8 bits, groups of 16.</summary>
    public const int VersionMax = 2;

    /// <summary>Outputs that lie together; the last block is padded with zeros.</summary>
    public const int BlockOutputs = 16;

    /// <summary>Inputs of one vector of codes.</summary>
    public const int VectorInputs = 8;

    /// <summary>Bytes of one vector of codes: <see cref="BlockOutputs"/> × <see cref="VectorInputs"/> nibbles.</summary>
    public const int VectorBytes = 64;

    /// <summary>The smallest group; inputs are a multiple of 32 all the same.</summary>
    public const int SmallGroup = 16;

    /// <summary>What the inputs are a multiple of, whatever the group.</summary>
    public const int InputsMultiple = 32;

    /// <summary>Groups of inputs that a scale may stand for.</summary>
    public static IReadOnlyList<int> Groups { get; } = [128, 64, 32, SmallGroup];

    /// <summary>The version that a matrix needs: the first, which older builds read, wherever it will do.</summary>
    /// <param name="planes">1 for 4 bits, 2 for 8.</param>
    /// <param name="group">Inputs per scale.</param>
    /// <param name="minima">Whether a minimum follows each scale.</param>
    /// <param name="levels">Whether codes stand for the levels of a table.</param>
    public static int VersionOf(int planes, int group, bool minima, bool levels) =>
        levels || group == SmallGroup || (planes == 2 && minima) ? VersionMax : Version;

    public static int Blocks(int outputs) => (outputs + BlockOutputs - 1) / BlockOutputs;

    /// <summary>Bytes of a block's codes in one plane.</summary>
    public static long BlockBytes(int inputs) => (long)inputs * BlockOutputs / 2;

    /// <summary>Bytes of all codes.</summary>
    /// <param name="outputs">Rows of the matrix.</param>
    /// <param name="inputs">Its columns.</param>
    /// <param name="planes">1 for 4 bits, 2 for 8.</param>
    public static long CodeBytes(int outputs, int inputs, int planes) => planes * Blocks(outputs) * BlockBytes(inputs);

    /// <summary>Halves of a block's scales, and minima.</summary>
    public static int BlockScales(int inputs, int group, bool minima) => inputs / group * BlockOutputs * (minima ? 2 : 1);

    /// <summary>Puts the codes of one output into those of its block.</summary>
    /// <param name="nibbles">Codes 0 to 15 of all inputs, one per byte; a multiple of <see cref="VectorInputs"/>.</param>
    /// <param name="lane">The output within its block.</param>
    /// <param name="block">The block's codes in one plane.</param>
    public static void Pack(ReadOnlySpan<byte> nibbles, int lane, Span<byte> block)
    {
        for (var i = 0; i < nibbles.Length; i += VectorInputs)
        {
            var first = BinaryPrimitives.ReadUInt32LittleEndian(nibbles[i..]);
            var second = BinaryPrimitives.ReadUInt32LittleEndian(nibbles[(i + 4)..]);
            Put(first | (second << 4), i, lane, block);
        }
    }

    /// <summary>The same of codes of 8 bits.</summary>
    /// <param name="codes">Codes of all inputs.</param>
    /// <param name="lane">The output within its block.</param>
    /// <param name="high">The block's codes in the plane of the high nibbles.</param>
    /// <param name="low">The block's codes in that of the low ones.</param>
    public static void PackBytes(ReadOnlySpan<byte> codes, int lane, Span<byte> high, Span<byte> low)
    {
        const uint LowNibbles = 0x0F0F0F0F;
        for (var i = 0; i < codes.Length; i += VectorInputs)
        {
            var first = BinaryPrimitives.ReadUInt32LittleEndian(codes[i..]);
            var second = BinaryPrimitives.ReadUInt32LittleEndian(codes[(i + 4)..]);
            Put(((first >> 4) & LowNibbles) | (second & ~LowNibbles), i, lane, high);
            Put((first & LowNibbles) | ((second & LowNibbles) << 4), i, lane, low);
        }
    }

    /// <summary>The inverse of <see cref="Pack"/>.</summary>
    public static void Unpack(ReadOnlySpan<byte> block, int lane, Span<byte> nibbles)
    {
        for (var i = 0; i < nibbles.Length; i += VectorInputs)
        {
            var source = block.Slice((i / VectorInputs * VectorBytes) + (4 * lane), 4);
            for (var j = 0; j < 4; j++)
            {
                nibbles[i + j] = (byte)(source[j] & 15);
                nibbles[i + 4 + j] = (byte)(source[j] >> 4);
            }
        }
    }

    private static void Put(uint codes, int input, int lane, Span<byte> block) =>
        BinaryPrimitives.WriteUInt32LittleEndian(block[((input / VectorInputs * VectorBytes) + (4 * lane))..], codes);
}

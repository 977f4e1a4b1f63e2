using System.Buffers.Binary;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>AWQ: eight outputs to a word, in an order of its own, codes and zero points alike.</summary>
/// <param name="words">[inputs, outputs / 8].</param>
/// <param name="scales">[groups, outputs].</param>
/// <param name="zeros">[groups, outputs / 8]; null where the zero point is 8.</param>
/// <param name="panels">Panels of the checkpoint.</param>
internal sealed class AwqCodes(StoredSource words, StoredNumbers scales, StoredSource? zeros, CodePanels panels)
    : ColumnwiseCodes(words, scales, zeros, panels, Middle)
{
    private const int Middle = 8;
    private const int PerWord = 8;

    /// <summary>Nibble i of a word is output Order[i] of its eight.</summary>
    private static readonly int[] Order = [0, 2, 4, 6, 1, 3, 5, 7];

    protected override int Columns { get; } = checked((int)words.Shape[0]);

    protected override int ZeroBits => 4;

    protected override int WordsOf(int outputs) => PerWord * outputs / PerWord;

    protected override void ReadCodes(TensorReading? reading, CodePanel panel, int first, int count)
    {
        var (perRow, rowWords) = (count / PerWord, Outputs / PerWord);
        var packed = panel.Words.AsSpan(0, PerWord * perRow);
        Span<ulong> eight = stackalloc ulong[PerWord];
        for (var column = 0; column < Columns; column += PerWord)
        {
            var columns = Math.Min(PerWord, Columns - column);
            for (var i = 0; i < columns; i++)
            {
                ReadWords(reading, ((long)(column + i) * rowWords) + (first / PerWord), packed.Slice(i * perRow, perRow));
            }

            for (var word = 0; word < perRow; word++)
            {
                for (var i = 0; i < PerWord; i++)
                    eight[i] = i < columns ? Nibbles.Spread(packed[(i * perRow) + word]) : 0;
                Nibbles.Transpose(eight);
                for (var i = 0; i < PerWord; i++)
                {
                    var lane = (word * PerWord) + Order[i];
                    BinaryPrimitives.WriteUInt64LittleEndian(panel.Codes.AsSpan((lane * panel.Stride) + column), eight[i]);
                }
            }
        }
    }

    protected override void UnpackZeros(Span<uint> words, Span<float> zeroPoints)
    {
        for (var i = 0; i < zeroPoints.Length; i++)
        {
            var nibble = Array.IndexOf(Order, i % PerWord);
            zeroPoints[i] = words[i / PerWord] >> (4 * nibble) & 15;
        }
    }
}

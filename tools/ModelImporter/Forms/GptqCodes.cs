using System.Buffers.Binary;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>GPTQ: codes bit after bit along the inputs, zero points along the outputs; in the format's first version less one.</summary>
/// <param name="words">[inputs · bits / 32, outputs].</param>
/// <param name="scales">[groups, outputs].</param>
/// <param name="zeros">[groups, outputs · bits / 32].</param>
/// <param name="panels">Panels of the checkpoint.</param>
/// <param name="bits">Bits of a code.</param>
/// <param name="isLessOne">Whether zero points are stored less one.</param>
internal sealed class GptqCodes(
    StoredSource words, StoredNumbers scales, StoredSource? zeros, CodePanels panels, int bits, bool isLessOne)
    : ColumnwiseCodes(words, scales, zeros, panels, 1 << (bits - 1))
{
    private const int WordBits = 32;

    private readonly int _wordRows = checked((int)words.Shape[0]);

    protected override int Columns => _wordRows * WordBits / bits;

    protected override int ZeroBits => bits;

    protected override int WordsOf(int outputs) => _wordRows * outputs;

    protected override void ReadCodes(TensorReading? reading, CodePanel panel, int first, int count)
    {
        var packed = panel.Words.AsSpan(0, WordsOf(count));
        for (var row = 0; row < _wordRows; row++)
            ReadWords(reading, ((long)row * Outputs) + first, packed.Slice(row * count, count));
        if (bits == 4)
        {
            for (var row = 0; row < _wordRows; row++)
            {
                for (var lane = 0; lane < count; lane++)
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(
                        panel.Codes.AsSpan((lane * panel.Stride) + (8 * row)), Nibbles.Spread(packed[(row * count) + lane]));
                }
            }

            return;
        }

        for (var column = 0; column < Columns; column++)
        {
            for (var lane = 0; lane < count; lane++)
                panel.Codes[(lane * panel.Stride) + column] = (byte)Field(packed[lane..], column, count);
        }
    }

    /// <remarks>
    /// What was written by one subtraction from a whole word is read by one addition to it, borrowed bits included; as gptqmodel does.
    /// </remarks>
    protected override void UnpackZeros(Span<uint> words, Span<float> zeroPoints)
    {
        var isWhole = WordBits % bits == 0;
        if (isLessOne && isWhole)
        {
            var ones = uint.MaxValue / ((1u << bits) - 1);
            foreach (ref var word in words)
                word += ones;
        }

        var added = isLessOne && !isWhole ? 1u : 0;
        for (var i = 0; i < zeroPoints.Length; i++)
            zeroPoints[i] = Field(words, i, 1) + added & ((1u << bits) - 1);
    }

    /// <summary>A code among words of which every one lies <paramref name="step"/> behind the one before.</summary>
    private uint Field(ReadOnlySpan<uint> packed, int index, int step)
    {
        var (word, place) = Math.DivRem(index * bits, WordBits);
        ulong pair = packed[word * step];
        if (place + bits > WordBits)
            pair |= (ulong)packed[(word + 1) * step] << WordBits;
        return (uint)(pair >> place) & ((1u << bits) - 1);
    }
}

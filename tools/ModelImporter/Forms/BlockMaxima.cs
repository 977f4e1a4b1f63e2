using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// Scales of blocks that count through a whole matrix, as bitsandbytes has them: numbers, or codes of 8 bits with blocks of their own.
/// </summary>
/// <param name="scales">One for each block of weights.</param>
/// <param name="columns">Columns of the matrix.</param>
/// <param name="block">Weights of a block.</param>
/// <param name="group">Columns of a group, which no block cuts through.</param>
internal sealed class BlockMaxima(StoredNumbers scales, int columns, int block, int group) : GroupNumbers
{
    /// <summary>The scales of scales: one for so many of them, and what is added; null where scales are numbers.</summary>
    public (StoredNumbers Scales, int Block, float Added)? Nested { get; init; }

    public override void Read(TensorReading? reading, long row, Span<float> numbers)
    {
        var start = row * columns;
        var (first, last) = (start / block, (start + columns - 1) / block);
        Span<float> read = new float[last - first + 1];
        scales.Read(reading, first, read);
        if (Nested is { } nested)
        {
            Span<float> outer = new float[(last / nested.Block) - (first / nested.Block) + 1];
            nested.Scales.Read(reading, first / nested.Block, outer);
            for (var i = 0; i < read.Length; i++)
                read[i] *= outer[(int)(((first + i) / nested.Block) - (first / nested.Block))];
            TensorPrimitives.Add(read, nested.Added, read);
        }

        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = read[(int)(((start + ((long)i * group)) / block) - first)];
    }
}

using System.Runtime.InteropServices;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>How an adapter's matrices for one linear lie in memory, and how they get there.</summary>
/// <param name="linear">The session's linear.</param>
/// <param name="parts">The adapter's parts for it.</param>
/// <param name="isNarrow">Whether numbers have 16 bits, to which they are rounded where these do not hold them.</param>
internal sealed unsafe class AdapterLayout(AdaptedLinear linear, IReadOnlyList<AdapterPart> parts, bool isNarrow)
{
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;

    private readonly AdapterBlock[] _blocks = Arrange(linear, parts);

    public AdaptedLinear Linear => linear;

    public IReadOnlyList<AdapterPart> Parts => parts;

    /// <summary>Memory of the matrices and the table of blocks.</summary>
    public long Bytes => AdapterWeights.Aligned(DownBytes) + AdapterWeights.Aligned(UpBytes) + AdapterWeights.Aligned(TableBytes);

    private int Rank => parts.Sum(part => part.Rank);

    private int ElementBytes => isNarrow ? sizeof(ushort) : sizeof(float);

    private long DownBytes => (long)Rank * linear.Inputs * ElementBytes;

    private long UpBytes => UpCount(_blocks) * ElementBytes;

    private long TableBytes => (long)_blocks.Length * sizeof(AdapterBlock);

    /// <summary>Takes room in an adapter; the matrices are zeros.</summary>
    public void Begin(AdapterWeights weights)
    {
        ref var matrices = ref weights.Linears[linear.Index];
        matrices.Down = weights.Take(DownBytes);
        matrices.Up = weights.Take(UpBytes);
        // Outputs of a block that another part has, or none, meet zeros.
        NativeMemory.Clear(matrices.Up, checked((nuint)UpBytes));
        matrices.Blocks = (AdapterBlock*)weights.Take(TableBytes);
        _blocks.CopyTo(new Span<AdapterBlock>(matrices.Blocks, _blocks.Length));
        matrices.IsNarrow = isNarrow;
        matrices.Rank = Rank;
    }

    /// <summary>Writes A of a part.</summary>
    /// <param name="weights">The adapter.</param>
    /// <param name="part">Index of the part.</param>
    /// <param name="numbers">[rank, inputs].</param>
    public void WriteDown(AdapterWeights weights, int part, ReadOnlySpan<float> numbers)
    {
        var first = (long)FirstRank(part) * linear.Inputs;
        for (var i = 0; i < numbers.Length; i++)
            Write(weights.Linears[linear.Index].Down, first + i, numbers[i]);
    }

    /// <summary>Writes B of a part.</summary>
    /// <param name="weights">The adapter.</param>
    /// <param name="part">Index of the part.</param>
    /// <param name="numbers">[outputs, rank].</param>
    public void WriteUp(AdapterWeights weights, int part, ReadOnlySpan<float> numbers)
    {
        var (output, rank, first) = (parts[part].Output, parts[part].Rank, FirstRank(part));
        var up = weights.Linears[linear.Index].Up;
        for (var i = 0; i < parts[part].Outputs; i++)
        {
            var (block, lane) = (_blocks[(output + i) / BlockOutputs], (output + i) % BlockOutputs);
            for (var r = 0; r < rank; r++)
                Write(up, block.Offset + ((first - block.First + r) * BlockOutputs) + lane, numbers[(i * rank) + r]);
        }
    }

    private int FirstRank(int part) => parts.Take(part).Sum(before => before.Rank);

    private void Write(byte* matrix, long index, float value)
    {
        if (isNarrow)
            ((ushort*)matrix)[index] = Round(BitConverter.SingleToUInt32Bits(value));
        else
            ((float*)matrix)[index] = value;
    }

    /// <summary>To the nearest, to the even one of two; a finite number stays finite.</summary>
    private static ushort Round(uint bits)
    {
        var rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        return (ushort)((rounded & 0x7F80) == 0x7F80 ? bits >> 16 : rounded);
    }

    /// <summary>The ranks of each block: those of all parts with outputs in it, which follow each other.</summary>
    private static AdapterBlock[] Arrange(AdaptedLinear linear, IReadOnlyList<AdapterPart> parts)
    {
        var blocks = new AdapterBlock[QuantizedLinearLayout.Blocks(linear.Outputs)];
        var first = 0;
        foreach (var part in parts)
        {
            var last = (part.Output + part.Outputs - 1) / BlockOutputs;
            for (var block = part.Output / BlockOutputs; block <= last; block++)
            {
                if (blocks[block].Count == 0)
                    blocks[block].First = first;
                blocks[block].Count = first + part.Rank - blocks[block].First;
            }

            first += part.Rank;
        }

        for (var block = 1; block < blocks.Length; block++)
            blocks[block].Offset = blocks[block - 1].Offset + ((long)blocks[block - 1].Count * BlockOutputs);
        return blocks;
    }

    private static long UpCount(AdapterBlock[] blocks) => blocks[^1].Offset + ((long)blocks[^1].Count * BlockOutputs);
}

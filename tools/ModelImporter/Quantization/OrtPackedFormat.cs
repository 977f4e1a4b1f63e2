using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Linears that a file has rounded already, on ONNX Runtime's operators: the same weights as those of our own layout. MatMulNBits takes
/// codes of 4 or 8 bits with a scale per block; minima are offsets; the levels of a table are spelled out in 8 bits.
/// </summary>
/// <param name="packed">Says which grids are kept, and reads their codes.</param>
/// <param name="rounded">Writes linears of which nothing is kept.</param>
/// <param name="offsets">Shared with <paramref name="rounded"/>: the constants of a graph are added once.</param>
internal sealed class OrtPackedFormat(PackedFormat packed, LinearFormat rounded, OrtOffsets offsets) : LinearFormat
{
    /// <summary>Experts are on our own operator all the same.</summary>
    public override ExpertFormat Experts => packed.Experts;

    public override PerHeadFormat PerHead => packed.PerHead;

    protected internal override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var matrices = packed.Split(tensors, linear);
        if (!matrices.Any(matrix => matrix.IsKept))
            return rounded.EmitProduct(graph, tensors, linear, input);
        string[] products = [.. matrices.Select(matrix => EmitMatrix(graph, tensors, matrix, input))];
        return products is [var product] ? product : graph.Node(linear.Name, "Concat", "", products, ("axis", -1));
    }

    private string EmitMatrix(OnnxGraphBuilder graph, CheckpointTensors tensors, PackedMatrix matrix, string input)
    {
        var (linear, grid) = (matrix.Linear, matrix.Grid);
        input = matrix.OrderInputs(graph, input);
        var layout = new BlockLayout(grid.Levels is null ? grid.Bits : 8, grid.Group);
        var blocks = linear.Inputs / grid.Group;
        var (codes, scales) = layout.Reserve(graph, linear);
        var minima = grid.HasMinima ? OrtOffsets.Reserve(graph, linear.Name, blocks, linear.Outputs) : null;
        ReadOnlySpan<TensorTarget> targets = minima is null ? [codes, scales] : [codes, scales, minima];
        graph.Fill((data, options) => Fill(tensors, matrix, layout, (codes, scales, minima), data, options), targets);
        if (minima is null)
            return layout.Multiply(graph, linear, input, codes, scales, linear.Name);
        var product = layout.Multiply(graph, linear, input, codes, scales, $"{linear.Name}.product");
        return offsets.Add(graph, linear.Name, input, product, minima, blocks, grid.Group);
    }

    private void Fill(
        CheckpointTensors tensors, PackedMatrix matrix, BlockLayout layout,
        (TensorTarget Codes, TensorTarget Scales, TensorTarget? Offsets) targets, DataFile data, ParallelOptions options)
    {
        var (linear, grid) = (matrix.Linear, matrix.Grid);
        var (blocks, rowBytes) = (linear.Inputs / grid.Group, layout.RowBytes(linear));
        var coder = packed.Coder(tensors, matrix, options);
        // Offsets go out transposed, as MatMul reads them: a sixteenth of the weights at most, so whole in memory.
        var sums = new float[targets.Offsets is null ? 0 : (long)blocks * linear.Outputs];
        ForChunks(linear.Outputs, Math.Clamp(ChunkBytes / sizeof(float) / linear.Inputs, 1, 1024), options, (first, count) =>
        {
            Span<byte> row = new byte[linear.Inputs];
            Span<Half> halves = new Half[2 * blocks];
            var minimums = grid.HasMinima ? halves[blocks..] : [];
            var codes = ArrayPool<byte>.Shared.Rent(count * rowBytes);
            var scales = ArrayPool<float>.Shared.Rent(count * blocks);
            for (var r = 0; r < count; r++)
            {
                coder(first + r, row, halves[..blocks], minimums);
                for (var b = 0; b < blocks; b++)
                {
                    var scale = scales[(r * blocks) + b] = (float)halves[b];
                    if (!grid.HasMinima)
                        continue;
                    var middle = Center(row.Slice(b * grid.Group, grid.Group), grid.Middle);
                    sums[((long)b * linear.Outputs) + first + r] = (float)minimums[b] + (middle * scale);
                }

                Pack(grid, layout, row, codes.AsSpan(r * rowBytes, rowBytes));
            }

            targets.Codes.Write(data, (long)first * rowBytes, codes.AsSpan(0, count * rowBytes));
            targets.Scales.Write(data, (long)first * blocks * sizeof(float), MemoryMarshal.AsBytes(scales.AsSpan(0, count * blocks)));
            ArrayPool<byte>.Shared.Return(codes);
            ArrayPool<float>.Shared.Return(scales);
        });
        targets.Offsets?.Write(data, 0, MemoryMarshal.AsBytes(sums.AsSpan()));
    }

    /// <summary>
    /// Moves the codes of a block around the operator's own middle. It rounds activations, and the offsets meet them unrounded: codes far
    /// from the middle would make up for each other but for that difference, which would be larger than the product.
    /// </summary>
    /// <returns>The code that is in the middle now.</returns>
    private static int Center(Span<byte> codes, int middle)
    {
        var (low, high) = (byte.MaxValue, byte.MinValue);
        foreach (var code in codes)
            (low, high) = (Math.Min(low, code), Math.Max(high, code));
        var center = (low + high + 1) / 2;
        foreach (ref var code in codes)
            code = (byte)(code - center + middle);
        return center;
    }

    private static void Pack(StoredGrid grid, BlockLayout layout, ReadOnlySpan<byte> row, Span<byte> codes)
    {
        if (layout.Bits == 4)
        {
            for (var i = 0; i < codes.Length; i++)
                codes[i] = (byte)(row[2 * i] | (row[(2 * i) + 1] << 4));
            return;
        }

        for (var i = 0; i < codes.Length; i++)
            codes[i] = grid.Levels is null ? row[i] : grid.ByteOf(row[i]);
    }
}

using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// A table that is looked up by row: each row by itself, so that a look-up touches no more of the file than it needs. In codes, those of
/// the file where it has some, else of 8 bits; or in the type that the file has.
/// </summary>
/// <param name="isCoded">Whether rows are rounded to codes where the file has none.</param>
internal sealed class RowFormat(bool isCoded) : PackedFormat
{
    private const int Bits = 8;
    private const int GroupMax = 32;
    private const int ChunkRows = 64;

    /// <summary>Adds the look-up: <paramref name="added"/> + <paramref name="scale"/> · the row of each id.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="table">One matrix.</param>
    /// <param name="ids">Value [tokens].</param>
    /// <param name="added">Value [tokens, inputs of the table].</param>
    /// <param name="scale">Factor on rows.</param>
    /// <returns>Value [tokens, inputs of the table].</returns>
    public string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights table, string ids, string added, double scale)
    {
        var (bytes, attributes) = isCoded ? PlanCodes(graph, tensors, table) : PlanNumbers(graph, tensors, table);
        graph.RowBytes += bytes.Offset is null ? 0 : bytes.Bytes;
        return graph.Node(table.Name, "RowGather", OnnxGraphBuilder.ParleyDomain, [ids, bytes.Name, added],
            [("K", table.Inputs), ("scale", (float)scale), .. attributes]);
    }

    protected override StoredGrid? Keep(CheckpointTensors tensors, LinearPart part) =>
        tensors.GridOf(part.Weight) is { Order: null } grid ? grid.Levels is null ? grid : grid.ToBytes() : null;

    protected override StoredGrid Choose(CheckpointTensors tensors, LinearWeights linear) =>
        new(Bits, BlockLayout.RequireBlock(linear, GroupMax));

    protected override RowCoder Round(CheckpointTensors tensors, PackedMatrix matrix, ParallelOptions options) =>
        (row, codes, scales, _) =>
        {
            Span<float> weights = new float[codes.Length];
            matrix.Linear.Read(tensors, row, 0, weights);
            SymmetricQuantizer.Quantize(weights, matrix.Grid.Group, codes, scales);
        };

    /// <summary>Each row: its codes, two of 4 bits to a byte, low first; its scales; its minima, where groups have some.</summary>
    private (TensorTarget Bytes, (string Name, object Value)[] Attributes) PlanCodes(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights table)
    {
        var matrix = Split(tensors, table).Single();
        var (grid, groups) = (matrix.Grid, table.Inputs / matrix.Grid.Group);
        var (codeBytes, kinds) = (table.Inputs * grid.Bits / 8, grid.HasMinima ? 2 : 1);
        var rowBytes = codeBytes + (groups * kinds * sizeof(ushort));
        var target = graph.Reserve($"{table.Name}.rows", DataType.Uint8, (long)table.Outputs * rowBytes, table.Outputs, rowBytes);
        graph.Fill(
            (data, options) =>
            {
                var coder = Coder(tensors, matrix, options);
                ForChunks(table.Outputs, ChunkRows, options, (first, count) =>
                {
                    var (bytes, codes) = (new byte[count * rowBytes], new byte[table.Inputs]);
                    for (var row = 0; row < count; row++)
                    {
                        var own = bytes.AsSpan(row * rowBytes, rowBytes);
                        var halves = MemoryMarshal.Cast<byte, Half>(own[codeBytes..]);
                        coder(first + row, codes, halves[..groups], halves[groups..]);
                        if (grid.Bits == Bits)
                            codes.CopyTo(own);
                        for (var i = 0; i < codes.Length && grid.Bits != Bits; i += 2)
                            own[i / 2] = (byte)(codes[i] | (codes[i + 1] << 4));
                    }

                    target.Write(data, (long)first * rowBytes, bytes);
                });
            },
            target);
        return (target, [("bits", grid.Bits), ("group", grid.Group), ("minima", grid.HasMinima ? 1 : 0)]);
    }

    private static (TensorTarget Bytes, (string Name, object Value)[] Attributes) PlanNumbers(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights table)
    {
        var name = table.Parts[0].Weight;
        var type = !tensors.Contains(name) ? ElementType.BFloat16 : tensors.TypeOf(name) switch
        {
            "BF16" => ElementType.BFloat16,
            "F16" => ElementType.Float16,
            _ => ElementType.Float32,
        };
        var rowBytes = table.Inputs * type.Bytes;
        var target = graph.Reserve($"{table.Name}.rows", DataType.Uint8, (long)table.Outputs * rowBytes, table.Outputs, rowBytes);
        graph.Fill(
            (data, options) => ForChunks(table.Outputs, ChunkRows, options, (first, count) =>
            {
                var values = new float[count * table.Inputs];
                for (var row = 0; row < count; row++)
                    table.Read(tensors, first + row, 0, values.AsSpan(row * table.Inputs, table.Inputs));
                type.Write(data, target, (long)first * table.Inputs, values);
            }),
            target);
        return (target, [("type", (int)type.Onnx)]);
    }
}

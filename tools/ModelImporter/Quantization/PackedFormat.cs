using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights in the layout that our own operator reads in place; which grid they get is the derived class's affair. Parts that a file holds
/// on different grids become linears of their own, so that none is rounded for its neighbour's sake.
/// </summary>
internal abstract class PackedFormat : LinearFormat
{
    /// <summary>Outputs of a block.</summary>
    private const int Lanes = QuantizedLinearLayout.BlockOutputs;

    private const int ChunkBlocks = 16;

    /// <inheritdoc />
    /// <remarks>One node where the norm is a root mean square: the operator normalises on the way to its own rounding of the
    /// rows.</remarks>
    public override (string Output, string Residual) Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, LinearInput input)
    {
        if (input.Norm is not { IsRootMeanSquare: true } norm || linear.Inputs % QuantizedLinearLayout.InputsMultiple != 0
            || Split(tensors, linear).Any(matrix => matrix.Grid.Order is not null))
            return base.Emit(graph, tensors, linear, input);
        var (weight, stream) = (norm.ReserveWeight(), input.Stream);
        var products = new List<string>();
        foreach (var matrix in Split(tensors, linear))
        {
            var (product, residual) = MultiplyNormalized(graph, tensors, matrix, norm, weight, stream, PackedMatrix.NoGate);
            products.Add(product);
            // The first adds the update, the others read the sum.
            stream = new ResidualStream(residual);
        }

        return (AddBias(graph, tensors, linear, Join(graph, linear, products)), stream.Value);
    }

    public override ExpertFormat Experts => new PackedExperts(this);

    public override PerHeadFormat PerHead => new PackedPerHead(this);

    public override bool CanGate(CheckpointTensors tensors, LinearWeights linear, Activation activation) =>
        activation is Activation.Silu or Activation.GeluTanh && PackedMatrix.CanGate(linear)
        && linear.Inputs % QuantizedLinearLayout.InputsMultiple == 0 && Split(tensors, linear).Count == 1;

    public override (string Output, string Residual) EmitGated(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, LinearInput input, Activation activation)
    {
        var matrix = Split(tensors, linear).Single();
        var gate = activation == Activation.GeluTanh ? PackedMatrix.GeluGate : PackedMatrix.SiluGate;
        if (input.Norm is { IsRootMeanSquare: true } norm && matrix.Grid.Order is null)
            return MultiplyNormalized(graph, tensors, matrix, norm, norm.ReserveWeight(), input.Stream, gate);
        var (value, residual) = input.Emit(graph, linear.Name);
        var (codes, halves) = Plan(graph, tensors, matrix);
        return (matrix.Multiply(graph, matrix.OrderInputs(graph, value), codes, halves, linear.Name, gate), residual);
    }

    /// <summary>Plans codes and scales, and the work that fills them.</summary>
    public (TensorTarget Codes, TensorTarget Halves) Plan(OnnxGraphBuilder graph, CheckpointTensors tensors, PackedMatrix matrix)
    {
        var (codes, halves) = matrix.Reserve(graph);
        graph.Fill((data, options) => Fill(tensors, matrix, codes, halves, 0, data, options), codes, halves);
        return (codes, halves);
    }

    /// <summary>Plans the work that fills one matrix of several that lie one after the other.</summary>
    public void PlanPart(
        OnnxGraphBuilder graph, CheckpointTensors tensors, PackedMatrix matrix, TensorTarget codes, TensorTarget halves, int index)
    {
        var bytes = matrix.Planes * matrix.Blocks * matrix.BlockBytes;
        graph.FillPart((data, options) => Fill(tensors, matrix, codes, halves, index, data, options), codes, index * bytes, bytes);
    }

    /// <summary>The matrices that a linear becomes, from the first output on: one, or a run of parts for each grid.</summary>
    /// <exception cref="InvalidDataException">No group divides the inputs.</exception>
    public IReadOnlyList<PackedMatrix> Split(CheckpointTensors tensors, LinearWeights linear)
    {
        var runs = new List<(List<LinearPart> Parts, StoredGrid? Grid)>();
        foreach (var part in linear.Parts)
        {
            var grid = Keep(tensors, part);
            if (runs.Count > 0 && runs[^1] is var (parts, last) && (grid == last || (grid is not null && last?.Merge(grid) is not null)))
            {
                parts.Add(part);
                runs[^1] = (parts, grid is null ? null : last!.Merge(grid));
            }
            else
                runs.Add(([part], grid));
        }

        return [.. runs.Select((run, i) =>
        {
            var own = runs.Count == 1 ? linear : linear with { Name = $"{linear.Name}.{i}", Parts = run.Parts, Whole = linear };
            return new PackedMatrix(own, run.Grid ?? Choose(tensors, own), isKept: run.Grid is not null);
        })];
    }

    /// <summary>Gets ready for a matrix, when its fill runs.</summary>
    public RowCoder Coder(CheckpointTensors tensors, PackedMatrix matrix, ParallelOptions options)
    {
        if (!matrix.IsKept)
            return Round(tensors, matrix, options);
        Pass(tensors, matrix.Linear, options);
        return (row, codes, scales, minimums) => KeptGrid.Read(tensors, matrix, row, codes, scales, minimums);
    }

    protected internal override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var products = new List<string>();
        if (linear.Padded(QuantizedLinearLayout.InputsMultiple, padsRows: false) is var padded && padded != linear)
            (linear, input) = (padded, Pad(graph, linear.Name, input, padded.Inputs - linear.Inputs));
        foreach (var matrix in Split(tensors, linear))
        {
            var (codes, halves) = Plan(graph, tensors, matrix);
            products.Add(matrix.Multiply(graph, matrix.OrderInputs(graph, input), codes, halves, matrix.Linear.Name));
        }

        return Join(graph, linear, products);
    }

    /// <summary>The grid of a part that is taken over as the file holds it; null for one that is rounded.</summary>
    protected abstract StoredGrid? Keep(CheckpointTensors tensors, LinearPart part);

    /// <summary>The grid that a linear is rounded to.</summary>
    /// <exception cref="InvalidDataException">No group divides the inputs.</exception>
    protected abstract StoredGrid Choose(CheckpointTensors tensors, LinearWeights linear);

    /// <summary>Gets ready to round a matrix.</summary>
    protected abstract RowCoder Round(CheckpointTensors tensors, PackedMatrix matrix, ParallelOptions options);

    /// <summary>Called in place of <see cref="Round"/> for a linear that is taken over.</summary>
    protected virtual void Pass(CheckpointTensors tensors, LinearWeights linear, ParallelOptions options)
    {
    }

    /// <summary>Rows with zeros behind them, as wide as the layout takes them.</summary>
    private static string Pad(OnnxGraphBuilder graph, string name, string input, int columns)
    {
        var constant = $"pad.{columns}";
        if (graph.TryClaim(constant))
            graph.Constant<long>(constant, DataType.Int64, [0, 0, 0, columns], 4);
        return graph.Node($"{name}.padded", "Pad", "", [input, constant]);
    }

    private static string Join(OnnxGraphBuilder graph, LinearWeights linear, List<string> products) => products is [var product]
        ? product : graph.Node(linear.Name, "Concat", "", [.. products], ("axis", -1));

    private (string Product, string Residual) MultiplyNormalized(
        OnnxGraphBuilder graph, CheckpointTensors tensors, PackedMatrix matrix, NormEmitter norm, string weight, ResidualStream stream,
        int gate)
    {
        var (codes, halves) = Plan(graph, tensors, matrix);
        return matrix.MultiplyNormalized(graph, norm, weight, stream, codes, halves, gate);
    }

    private void Fill(
        CheckpointTensors tensors, PackedMatrix matrix, TensorTarget codes, TensorTarget halves, int index, DataFile data,
        ParallelOptions options)
    {
        var coder = Coder(tensors, matrix, options);
        ForChunks(matrix.Blocks, ChunkBlocks, options, (first, count) =>
        {
            for (var block = first; block < first + count; block++)
                Fill(matrix, coder, block, codes, halves, index, data);
        });
    }

    /// <summary>Codes and packs the outputs of one block of the matrix of an index.</summary>
    private static void Fill(
        PackedMatrix matrix, RowCoder coder, int block, TensorTarget codes, TensorTarget halves, int index, DataFile data)
    {
        var linear = matrix.Linear;
        var groups = linear.Inputs / matrix.Grid.Group;
        Span<byte> row = new byte[linear.Inputs];
        Span<Half> scales = new Half[groups];
        Span<Half> minimums = new Half[matrix.Grid.HasMinima ? groups : 0];
        var blockHalves = new Half[matrix.BlockHalves];
        var planes = new byte[matrix.Planes][];
        for (var plane = 0; plane < planes.Length; plane++)
            planes[plane] = new byte[matrix.BlockBytes];
        for (var lane = 0; lane < Lanes && (block * Lanes) + lane < linear.Outputs; lane++)
        {
            coder((block * Lanes) + lane, row, scales, minimums);
            if (planes.Length == 1)
                QuantizedLinearLayout.Pack(row, lane, planes[0]);
            else
                QuantizedLinearLayout.PackBytes(row, lane, planes[0], planes[1]);

            for (var g = 0; g < groups; g++)
            {
                blockHalves[(g * matrix.GroupHalves) + lane] = scales[g];
                if (minimums.Length > 0)
                    blockHalves[(g * matrix.GroupHalves) + Lanes + lane] = minimums[g];
            }
        }

        for (var plane = 0; plane < planes.Length; plane++)
            codes.Write(data, ((((index * (long)matrix.Planes) + plane) * matrix.Blocks) + block) * matrix.BlockBytes, planes[plane]);
        var offset = ((index * (long)matrix.Blocks) + block) * matrix.BlockHalves * sizeof(ushort);
        halves.Write(data, offset, MemoryMarshal.AsBytes(blockHalves.AsSpan()));
    }
}

using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights of 4 bits with a scale and, by the rounding, a minimum per group of inputs, in the layout that our own operator reads in place.
/// Linears that were rounded to something else before, and would lose by being rounded again, get 8 bits.
/// </summary>
internal sealed class Int4Format(GroupRounding rounding) : PackedFormat
{
    private const int Bits = 4;

    private readonly Int8Format _bytes = new(PlainRounding.DefaultGroup);

    public override PackedMatrix Describe(CheckpointTensors tensors, LinearWeights linear) =>
        rounding.StaysAtBytes(tensors, linear)
            ? _bytes.Describe(tensors, linear)
            : new(linear, Bits, rounding.GroupOf(tensors, linear), rounding.HasMinima(tensors, linear));

    public override Action<int> Prepare(
        CheckpointTensors tensors, PackedMatrix matrix, TensorTarget codes, TensorTarget halves, DataFile data, ParallelOptions options)
    {
        var round = rounding.Prepare(tensors, matrix.Linear, matrix.Group, options);
        if (rounding.StaysAtBytes(tensors, matrix.Linear))
            return _bytes.Prepare(tensors, matrix, codes, halves, data, options);
        return block => Fill(tensors, matrix, round, block, codes, halves, data);
    }

    /// <summary>Rounds and packs the outputs of one block.</summary>
    private void Fill(
        CheckpointTensors tensors, PackedMatrix matrix, RowRounder round, int block, TensorTarget codes, TensorTarget halves, DataFile data)
    {
        var (linear, group) = (matrix.Linear, matrix.Group);
        var groups = linear.Inputs / group;
        Span<float> row = new float[linear.Inputs];
        Span<byte> pairs = new byte[linear.Inputs / 2];
        Span<float> scales = new float[groups];
        Span<float> offsets = new float[groups];
        Span<byte> blockCodes = new byte[matrix.BlockBytes];
        Span<Half> blockHalves = new Half[matrix.BlockHalves];
        for (var lane = 0; lane < Lanes && (block * Lanes) + lane < linear.Outputs; lane++)
        {
            if (!rounding.TakesOver(tensors, linear, (block * Lanes) + lane))
                linear.Read(tensors, (block * Lanes) + lane, 0, row);
            round((block * Lanes) + lane, row, pairs, scales, offsets);
            QuantizedLinearLayout.PackPairs(pairs, lane, blockCodes);
            for (var g = 0; g < groups; g++)
            {
                var at = (g * matrix.GroupHalves) + lane;
                blockHalves[at] = matrix.Half(scales[g]);
                if (matrix.HasMinima)
                    blockHalves[at + Lanes] = matrix.Half(offsets[g] - (AffineQuantizer.Middle * scales[g]));
            }
        }

        codes.Write(data, block * matrix.BlockBytes, blockCodes);
        halves.Write(data, (long)block * matrix.BlockHalves * sizeof(ushort), MemoryMarshal.AsBytes(blockHalves));
    }
}

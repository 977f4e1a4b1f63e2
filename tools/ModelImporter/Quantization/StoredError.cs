using System.Globalization;
using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// What a package's 4 and 8 bits make of weights that were rounded before: by element type of the file, the root mean square of the
/// differences over that of the weights.
/// </summary>
internal static class StoredError
{
    /// <summary>Rows of a matrix that are looked at, spread over it.</summary>
    private const int RowsMax = 256;

    /// <summary>Measures all matrices that were rounded before.</summary>
    /// <param name="checkpoint">The source.</param>
    /// <param name="parallel">Threads and the end of the work.</param>
    /// <param name="isInt4">Whether 4-bit grids of the layers are kept as such; else all go to 8 bits.</param>
    public static IReadOnlyList<TypeError> Measure(CheckpointReader checkpoint, ParallelOptions parallel, bool isInt4)
    {
        var (tensors, weights) = (checkpoint.Tensors, checkpoint.Weights);
        var rounding = new PlainRounding(PlainRounding.DefaultGroup);
        var sums = new SortedDictionary<string, (double Errors, double Squares)>(StringComparer.Ordinal);
        foreach (var linear in weights.Layers.SelectMany(layer => layer.Linears))
        {
            if (!isInt4 || rounding.StaysAtBytes(tensors, linear))
                Add(tensors, linear, null, parallel, sums);
            else if (rounding.KeepsGrid(tensors, linear))
                Add(tensors, linear, rounding, parallel, sums);
        }

        Add(tensors, weights.Embedding, null, parallel, sums);
        if (!checkpoint.Config.Shape.TiedEmbeddings)
            Add(tensors, weights.Head, null, parallel, sums);
        return [.. sums.Select(sum => new TypeError(sum.Key, sum.Value.Squares > 0 ? Math.Sqrt(sum.Value.Errors / sum.Value.Squares) : 0))];
    }

    /// <summary>The errors as a sentence.</summary>
    public static string ToNote(IReadOnlyList<TypeError> errors) =>
        "the file's quantised weights as the package stores them, root mean square of the differences over that of the weights: "
        + string.Join(", ", errors.Select(error => string.Create(
            CultureInfo.InvariantCulture, $"{error.Type} {(error.Relative == 0 ? "0 (exact)" : $"{error.Relative:0.00000}")}"))) + ".";

    private static void Add(
        CheckpointTensors tensors, LinearWeights linear, PlainRounding? fourBits, ParallelOptions parallel,
        SortedDictionary<string, (double Errors, double Squares)> sums)
    {
        var first = 0;
        foreach (var part in linear.Parts)
        {
            if (tensors.IsQuantized(part.Weight))
            {
                var (errors, squares) = Measure(tensors, linear, (first, part.Outputs), fourBits, parallel);
                var sum = sums.GetValueOrDefault(tensors.TypeOf(part.Weight));
                sums[tensors.TypeOf(part.Weight)] = (sum.Errors + errors, sum.Squares + squares);
            }

            first += part.Outputs;
        }

        tensors.Release();
    }

    private static (double Errors, double Squares) Measure(
        CheckpointTensors tensors, LinearWeights linear, (int First, int Count) rows, PlainRounding? fourBits, ParallelOptions parallel)
    {
        var looked = Math.Min(rows.Count, RowsMax);
        var measured = new (double Errors, double Squares)[looked];
        var round = fourBits?.Prepare(tensors, linear, ByteRounding.GroupOf(tensors, linear, PlainRounding.DefaultGroup), parallel);
        Parallel.For(0, looked, parallel, sample => measured[sample] = MeasureRow(
            tensors, linear, rows.First + (int)((long)sample * rows.Count / looked), round));

        // Of a large matrix a part was looked at, which stands for the whole of it. Added up in order, whoever was done first.
        var share = (double)rows.Count / looked;
        return (measured.Sum(row => row.Errors) * share, measured.Sum(row => row.Squares) * share);
    }

    private static (double Errors, double Squares) MeasureRow(CheckpointTensors tensors, LinearWeights linear, int row, RowRounder? round)
    {
        var group = ByteRounding.GroupOf(tensors, linear, PlainRounding.DefaultGroup);
        var (weights, stored) = (new float[linear.Inputs], new float[linear.Inputs]);
        if (round is null)
        {
            var (codes, halves) = (new byte[linear.Inputs], new Half[linear.Inputs / group]);
            ByteRounding.Round(tensors, linear, row, group, weights, codes, halves);
            ByteRounding.Widen(codes, halves, group, stored);
            linear.Read(tensors, row, 0, weights);
        }
        else
        {
            var codes = new byte[linear.Inputs / 2];
            var (scales, offsets) = (new float[linear.Inputs / group], new float[linear.Inputs / group]);
            linear.Read(tensors, row, 0, weights);
            round(row, weights, codes, scales, offsets);
            for (var i = 0; i < stored.Length; i++)
                stored[i] = AffineQuantizer.Weight(codes, scales, offsets, group, i);
        }

        TensorPrimitives.Subtract(stored, weights, stored);
        return (TensorPrimitives.SumOfSquares<float>(stored), TensorPrimitives.SumOfSquares<float>(weights));
    }
}

using System.Globalization;
using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// What a package makes of weights that were rounded before: by element type of the file, the root mean square of the differences over that
/// of the weights.
/// </summary>
internal static class StoredError
{
    /// <summary>Rows of a matrix that are looked at, spread over it.</summary>
    private const int RowsMax = 256;

    /// <summary>Rows of a large matrix that are looked at together; a part of <see cref="RowsMax"/>.</summary>
    private const int RunRows = 64;

    /// <summary>Rows of an expert that are looked at where all of a layer have <see cref="RowsMax"/> together.</summary>
    private const int ExpertRowsMin = 8;

    /// <summary>Measures all matrices that were rounded before.</summary>
    /// <param name="checkpoint">The source.</param>
    /// <param name="parallel">Threads and the end of the work.</param>
    /// <param name="rounding">How linears are rounded to 4 bits that no grid is kept of; null where all have 8.</param>
    /// <param name="isOwn">Whether our own operators compute; else ONNX Runtime's, whose embedding and head hold less.</param>
    /// <param name="isCalibrated">Whether a text rounded them, which is not done again here.</param>
    public static IReadOnlyList<TypeError> Measure(
        CheckpointReader checkpoint, ParallelOptions parallel, PlainRounding? rounding, bool isOwn, bool isCalibrated)
    {
        const int group = PlainRounding.DefaultGroup;
        PackedFormat linears = rounding is not null ? new Int4Format(rounding) : new Int8Format(group);
        var vocabulary = new Int8Format(group, isOwn ? Int8Format.KeepsInVocabulary : Int8Format.KeepsInOrtVocabulary);
        var (tensors, weights) = (checkpoint.Tensors, checkpoint.Weights);
        var sums = new StoredErrorSums(tensors, isCalibrated && rounding is not null);
        foreach (var linear in weights.Layers.SelectMany(layer => layer.Rounded).Where(linear => linear.Stack is null))
            Add(tensors, linear, linears, parallel, sums);
        foreach (var mixture in weights.Mixtures)
        {
            AddExperts(tensors, PackedExperts.GateUps(mixture), linears, parallel, sums);
            AddExperts(tensors, PackedExperts.Downs(mixture), linears, parallel, sums);
        }

        foreach (var latent in weights.Layers.Select(layer => layer.Latent).OfType<LatentWeights>())
        {
            AddStack(tensors, latent.Keys, linears, parallel, sums);
            AddStack(tensors, latent.Values, linears, parallel, sums);
        }

        Add(tensors, weights.Embedding, vocabulary, parallel, sums);
        if (!checkpoint.Config.Shape.TiedEmbeddings)
            Add(tensors, weights.Head, vocabulary, parallel, sums);
        return sums.ToErrors();
    }

    /// <summary>The errors as a sentence.</summary>
    public static string ToNote(IReadOnlyList<TypeError> errors) =>
        "the file's quantised weights as the package stores them, root mean square of the differences over that of the weights: "
        + string.Join(", ", errors.Select(ToText)) + ".";

    private static string ToText(TypeError error)
    {
        var relative = error.Relative == 0 ? "0 (exact)" : error.Relative.ToString("0.00000", CultureInfo.InvariantCulture);
        return $"{error.Type} {relative} in {error.Stored}";
    }

    private static void Add(
        CheckpointTensors tensors, LinearWeights linear, PackedFormat format, ParallelOptions parallel,
        StoredErrorSums sums)
    {
        if (!linear.Parts.Any(sums.Counts))
            return;
        foreach (var matrix in format.Split(tensors, linear))
            Add(tensors, matrix, format, RowsMax, parallel, sums);
        tensors.Release();
    }

    /// <summary>As they are packed: on one grid, which may round what each of them would keep by itself.</summary>
    private static void AddExperts(
        CheckpointTensors tensors, LinearWeights[] experts, PackedFormat format, ParallelOptions parallel,
        StoredErrorSums sums)
    {
        if (!experts.SelectMany(expert => expert.Parts).Any(sums.Counts))
            return;
        AddMatrices(tensors, new ExpertMatrices(format, tensors, experts), parallel, sums);
    }

    /// <summary>The same of linears per head.</summary>
    private static void AddStack(
        CheckpointTensors tensors, IReadOnlyList<LinearWeights> heads, PackedFormat format, ParallelOptions parallel,
        StoredErrorSums sums)
    {
        if (heads.Any(head => head.Parts.Any(sums.Counts)))
            AddMatrices(tensors, PackedPerHead.Matrices(format, tensors, heads), parallel, sums);
    }

    private static void AddMatrices(
        CheckpointTensors tensors, ExpertMatrices packed, ParallelOptions parallel,
        StoredErrorSums sums)
    {
        var rowsMax = Math.Max(ExpertRowsMin, RowsMax / packed.Matrices.Count);
        foreach (var matrix in packed.Matrices)
            Add(tensors, matrix, packed.Format, rowsMax, parallel, sums);
        tensors.Release();
    }

    private static void Add(
        CheckpointTensors tensors, PackedMatrix matrix, PackedFormat format, int rowsMax, ParallelOptions parallel,
        StoredErrorSums sums)
    {
        var first = 0;
        foreach (var part in matrix.Linear.Parts)
        {
            if (sums.Counts(part))
            {
                var (errors, squares) = Measure(tensors, matrix, format, (first, part.Stored), rowsMax, parallel);
                sums.Add(part, matrix.Grid, errors, squares);
            }

            first += part.Outputs;
        }
    }

    private static (double Errors, double Squares) Measure(
        CheckpointTensors tensors, PackedMatrix matrix, PackedFormat format, (int First, int Count) rows, int rowsMax,
        ParallelOptions parallel)
    {
        var coder = format.Coder(tensors, matrix, parallel);
        var looked = Math.Min(rows.Count, rowsMax);
        var measured = new (double Errors, double Squares)[looked];
        // Rows that lie together, since some forms turn round several at once; the runs are spread over the matrix.
        var together = looked < RowsMax ? 1 : RunRows;
        Parallel.For(0, looked / together, parallel, run =>
        {
            var first = (long)run * together * rows.Count / looked;
            for (var i = 0; i < together; i++)
            {
                measured[(run * together) + i] = MeasureRow(
                    tensors, matrix, coder, rows.First + (int)(first - (first % together)) + i);
            }
        });

        // Of a large matrix a part was looked at, which stands for the whole of it. Added up in order, whoever was done first.
        var share = (double)rows.Count / looked;
        return (measured.Sum(row => row.Errors) * share, measured.Sum(row => row.Squares) * share);
    }

    private static (double Errors, double Squares) MeasureRow(CheckpointTensors tensors, PackedMatrix matrix, RowCoder coder, int row)
    {
        var (weights, stored) = (new float[matrix.Linear.Inputs], new float[matrix.Linear.Inputs]);
        matrix.Linear.Read(tensors, row, 0, weights);
        matrix.Widen(coder, row, stored);
        TensorPrimitives.Subtract(stored, weights, stored);
        return (TensorPrimitives.SumOfSquares<float>(stored), TensorPrimitives.SumOfSquares<float>(weights));
    }
}

using System.Buffers;
using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>
/// A matrix with a low-rank product added to it; of a DoRA each row then has the length that the adapter gives it. Whatever grid the
/// matrix was on, it is on none now.
/// </summary>
/// <param name="whole">The matrix [outputs, inputs].</param>
/// <param name="product">What is added.</param>
/// <param name="headSize">Rows of a head.</param>
/// <param name="magnitude">Lengths of the rows [outputs]; null leaves them.</param>
internal sealed class LowRankSource(TensorSource whole, LowRankProduct product, int headSize, TensorSource? magnitude) : TensorSource
{
    private readonly Lock _turn = new();

    /// <summary>The factors while a matrix is being read: kept for all, those of a large adapter would fill the memory.</summary>
    private readonly WeakReference<LowRankFactors?> _factors = new(null);

    private float[]? _rowScales;

    public override ITensorFile File => whole.File;

    public override string StoredName => whole.StoredName;

    public override string TypeName => "F32";

    public override IReadOnlyList<long> Shape => whole.Shape;

    public override bool IsRounded => false;

    public override void Check() => whole.Check();

    public override void Read(TensorReading? reading, long first, Span<float> values)
    {
        var factors = Factors();
        var columns = product.Inputs;
        whole.Read(reading, first, values);
        while (values.Length > 0)
        {
            var (row, column) = ((int)(first / columns), (int)(first % columns));
            var run = values[..Math.Min(values.Length, columns - column)];
            Add(factors, row, column, run);
            if (magnitude is not null)
                TensorPrimitives.Multiply(run, RowScale(reading, factors, row, run.Length == columns ? run : []), run);
            first += run.Length;
            values = values[run.Length..];
        }
    }

    private LowRankFactors Factors()
    {
        lock (_turn)
        {
            if (_factors.TryGetTarget(out var kept) && kept is not null)
                return kept;
            var factors = product.Load(headSize);
            _factors.SetTarget(factors);
            if (magnitude is not null && _rowScales is null)
            {
                _rowScales = new float[product.Outputs];
                Array.Fill(_rowScales, float.NaN);
            }

            return factors;
        }
    }

    /// <summary>The sum of the product is made first: added one by one to a weight, its small terms would be rounded away.</summary>
    private void Add(LowRankFactors factors, int row, int column, Span<float> run)
    {
        var rented = ArrayPool<float>.Shared.Rent(run.Length);
        var sum = rented.AsSpan(0, run.Length);
        sum.Clear();
        for (var r = 0; r < factors.Rank; r++)
        {
            TensorPrimitives.MultiplyAdd(
                factors.A.AsSpan((r * product.Inputs) + column, run.Length), factors.B[(row * factors.Rank) + r], sum, sum);
        }

        TensorPrimitives.Add(run, sum, run);
        ArrayPool<float>.Shared.Return(rented);
    }

    /// <summary>By what a row is multiplied so that it has its length; two threads that find it find the same number.</summary>
    /// <param name="reading">Told of what is read.</param>
    /// <param name="factors">The product.</param>
    /// <param name="row">The row.</param>
    /// <param name="sum">The row with the product added, where the caller has all of it; else empty.</param>
    private float RowScale(TensorReading? reading, LowRankFactors factors, int row, ReadOnlySpan<float> sum)
    {
        if (_rowScales![row] is var known && !float.IsNaN(known))
            return known;
        Span<float> length = stackalloc float[1];
        magnitude!.Read(reading: null, row, length);
        if (sum.IsEmpty)
        {
            var own = new float[product.Inputs];
            whole.Read(reading, (long)row * own.Length, own);
            Add(factors, row, 0, own);
            sum = own;
        }

        var squares = 0.0;
        foreach (var value in sum)
            squares += (double)value * value;
        var scale = (float)(length[0] / Math.Sqrt(squares));
        return float.IsFinite(scale)
            ? _rowScales[row] = scale
            : throw new InvalidDataException(
                $"{magnitude.File.Path}: {magnitude.StoredName} is no number at row {row}, or that row of the merged matrix is zero.");
    }
}

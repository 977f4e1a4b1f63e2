using System.Numerics;
using System.Numerics.Tensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Sixteen levels, minimum + code · scale, for the weights of a group. Scale and minimum are numbers of half precision, as they are
/// stored: codes are chosen for the grid that will be read.
/// </summary>
internal readonly record struct GroupGrid
{
    private const int Levels = 15;
    private const int Middle = AffineQuantizer.Middle;

    /// <summary>Steps that the range of a group is spread over; below 15 codes are left unused, above 15 the ends are cut off.</summary>
    private static readonly float[] Spreads = [15f, 14f, 14.5f, 15.5f, 16f, 16.5f, 17f, 17.5f, 18f];

    /// <summary>Rounds of a descent at most; most end before, where one gains next to nothing or is far behind another.</summary>
    private const int RoundsMax = 9;

    private const float SettledShare = 0.999f;
    private const float HopelessShare = 1.3f;

    /// <summary>A grid of these numbers, rounded to half precision.</summary>
    /// <exception cref="InvalidDataException">One of them is beyond its range.</exception>
    public GroupGrid(float scale, float minimum)
    {
        (Scale, Minimum) = ((float)(Half)scale, (float)(Half)minimum);
        if (!float.IsFinite(Scale) || !float.IsFinite(Minimum))
        {
            throw new InvalidDataException(
                $"A weight near {minimum} is beyond the half-precision scales of int4; import the model as fp32.");
        }
    }

    public float Scale { get; }

    public float Minimum { get; }

    /// <summary>What the code in the middle stands for: weight = (code − 8) · scale + offset.</summary>
    public float Offset => Minimum + (Middle * Scale);

    /// <summary>The nearest code.</summary>
    public byte Code(float weight) => Scale == 0 ? (byte)0 : (byte)Math.Clamp(MathF.Round((weight - Minimum) / Scale), 0, Levels);

    /// <summary>What a code stands for.</summary>
    public float Value(int code) => ((code - Middle) * Scale) + Offset;

    /// <summary>Scale alone, by the rule of Q4_0: the weight of the largest magnitude falls on the first level.</summary>
    public static GroupGrid FitScale(ReadOnlySpan<float> weights)
    {
        var scale = (float)(Half)(TensorPrimitives.MaxMagnitude(weights) / -Middle);
        return new GroupGrid(scale, -Middle * scale);
    }

    /// <summary>
    /// Scale and minimum of the least squared error that is found. From each spread on, codes and grid make each other better in turn: for
    /// codes the best grid is a line fit, for a grid the best codes are the nearest. Weights that lie on a grid come back as they were.
    /// </summary>
    /// <param name="weights">The group; a multiple of 32.</param>
    /// <param name="importance">What the squared error of each weight counts; empty where all count alike.</param>
    public static GroupGrid Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance = default)
    {
        var low = TensorPrimitives.Min(weights);
        var range = TensorPrimitives.Max(weights) - low;
        if (range == 0 || !float.IsFinite(Spreads[^1] / range))
            return new GroupGrid(0, low);

        // In units of the range, from its start: numbers near one, whatever the weights.
        Span<float> shares = stackalloc float[weights.Length];
        TensorPrimitives.Subtract(weights, low, shares);
        TensorPrimitives.Multiply(shares, 1 / range, shares);
        var best = (Slope: 1f / Levels, Start: 0f, Error: float.PositiveInfinity);
        foreach (var spread in Spreads)
            Descend(shares, importance, spread, ref best);
        return new GroupGrid(best.Slope * range, low + (best.Start * range));
    }

    private static void Descend(
        ReadOnlySpan<float> shares, ReadOnlySpan<float> importance, float spread, ref (float Slope, float Start, float Error) best)
    {
        // A wider spread cuts both ends off alike.
        var (slope, start, previous) = (1 / spread, (spread - Levels) / (2 * spread), float.PositiveInfinity);
        for (var round = 0; round < RoundsMax; round++)
        {
            var sums = Project(shares, importance, slope, start);
            if (sums.Error < best.Error)
                best = (slope, start, sums.Error);
            var determinant = (sums.Count * sums.QQ) - (sums.Q * sums.Q);
            if (sums.Error >= previous * SettledShare || determinant <= 0 || (round > 1 && sums.Error > best.Error * HopelessShare))
                return;
            previous = sums.Error;
            slope = ((sums.Count * sums.WQ) - (sums.W * sums.Q)) / determinant;
            start = (sums.W - (slope * sums.Q)) / sums.Count;
        }
    }

    /// <summary>The error of a grid, and the sums of the line fit for its codes.</summary>
    private static (float Error, float Count, float Q, float QQ, float W, float WQ) Project(
        ReadOnlySpan<float> shares, ReadOnlySpan<float> importance, float slope, float start)
    {
        var (error, count, sumQ) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
        var (sumQQ, sumW, sumWQ) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
        var (first, step, steps) = (new Vector<float>(start), new Vector<float>(slope), new Vector<float>(1 / slope));
        var (top, counts) = (new Vector<float>((float)Levels), Vector<float>.One);
        for (var i = 0; i < shares.Length; i += Vector<float>.Count)
        {
            var w = new Vector<float>(shares[i..]);
            var q = Vector.Min(Vector.Max(Vector.Round((w - first) * steps), Vector<float>.Zero), top);
            if (!importance.IsEmpty)
                counts = new Vector<float>(importance[i..]);
            var difference = w - first - (q * step);
            error += counts * difference * difference;
            count += counts;
            var weighted = counts * q;
            sumQ += weighted;
            sumQQ += weighted * q;
            sumW += counts * w;
            sumWQ += weighted * w;
        }

        return (Vector.Sum(error), Vector.Sum(count), Vector.Sum(sumQ), Vector.Sum(sumQQ), Vector.Sum(sumW), Vector.Sum(sumWQ));
    }
}

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
    /// Scale and minimum. For each spread the codes follow, and for codes the best scale and minimum are a line fit; the least squared
    /// error wins. Weights that lie on such a grid already come back as they were.
    /// </summary>
    public static GroupGrid Fit(ReadOnlySpan<float> weights)
    {
        var low = TensorPrimitives.Min(weights);
        var range = TensorPrimitives.Max(weights) - low;
        if (range == 0 || !float.IsFinite(Spreads[^1] / range))
            return new GroupGrid(0, low);
        var best = (Scale: range / Levels, Minimum: low, Error: float.PositiveInfinity);
        foreach (var spread in Spreads)
        {
            // In units of the range, from its start: numbers near one, whatever the weights.
            var (sumQ, sumQQ, sumW, sumWQ) = Project(weights, low, range, spread);
            var count = weights.Length;
            var determinant = (count * sumQQ) - (sumQ * sumQ);
            if (determinant <= 0)
                continue;
            var slope = ((count * sumWQ) - (sumW * sumQ)) / determinant;
            var start = (sumW - (slope * sumQ)) / count;
            var error = Error(weights, low, range, slope, start);
            if (error < best.Error)
                best = (slope * range, low + (start * range), error);
        }

        return new GroupGrid(best.Scale, best.Minimum);
    }

    private static (float SumQ, float SumQQ, float SumW, float SumWQ) Project(
        ReadOnlySpan<float> weights, float low, float range, float spread)
    {
        var (sumQ, sumQQ, sumW, sumWQ) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
        var (origin, inverse, top) = (new Vector<float>(low), new Vector<float>(1 / range), new Vector<float>((float)Levels));
        // A wider spread cuts both ends off alike.
        var shift = new Vector<float>((Levels - spread) / 2);
        for (var i = 0; i < weights.Length; i += Vector<float>.Count)
        {
            var w = (new Vector<float>(weights[i..]) - origin) * inverse;
            var q = Vector.Min(Vector.Max(Vector.Round((w * spread) + shift), Vector<float>.Zero), top);
            sumQ += q;
            sumQQ += q * q;
            sumW += w;
            sumWQ += w * q;
        }

        return (Vector.Sum(sumQ), Vector.Sum(sumQQ), Vector.Sum(sumW), Vector.Sum(sumWQ));
    }

    private static float Error(ReadOnlySpan<float> weights, float low, float range, float slope, float start)
    {
        var sum = Vector<float>.Zero;
        var (origin, inverse, top) = (new Vector<float>(low), new Vector<float>(1 / range), new Vector<float>((float)Levels));
        var (first, step, steps) = (new Vector<float>(start), new Vector<float>(slope), new Vector<float>(1 / slope));
        for (var i = 0; i < weights.Length; i += Vector<float>.Count)
        {
            var w = (new Vector<float>(weights[i..]) - origin) * inverse;
            var q = Vector.Min(Vector.Max(Vector.Round((w - first) * steps), Vector<float>.Zero), top);
            var difference = w - first - (q * step);
            sum += difference * difference;
        }

        return Vector.Sum(sum);
    }
}

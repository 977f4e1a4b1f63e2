using System.Buffers.Binary;
using System.Numerics.Tensors;

namespace Parley.Benchmarks.Gguf;

/// <summary>Types whose codes stand for levels that are not evenly spaced.</summary>
internal static class LevelWriter
{
    private const int Group = 32;

    /// <summary>Scales that are tried, in shares of the one that puts the largest weight on the last level.</summary>
    private static readonly float[] Shares = [0.85f, 0.9f, 0.95f, 1f, 1.05f, 1.1f];

    private static readonly sbyte[] Curve = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    private static readonly sbyte[] Halves = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    public static void WriteCurve(ReadOnlySpan<float> weights, Span<byte> block)
    {
        var scale = BlockWriter.WriteHalf(block, FindScale(weights));
        WriteLevels(weights, scale, Curve, block[2..]);
    }

    /// <summary>A power of two: the smaller or the larger one around what fits, whichever loses less.</summary>
    public static void WriteMicroscaled(ReadOnlySpan<float> weights, Span<byte> block)
    {
        const int Bias = 128;
        var largest = MathF.Abs(TensorPrimitives.MaxMagnitude(weights));
        var exponent = largest == 0 ? -Bias : Math.Max(MathF.ILogB(largest / Halves[7]), -Bias);
        if (largest > 0 && Error(weights, MathF.ScaleB(1, exponent + 1), Halves) < Error(weights, MathF.ScaleB(1, exponent), Halves))
            exponent++;
        block[0] = (byte)(exponent + Bias);
        WriteLevels(weights, MathF.ScaleB(1, exponent), Halves, block[1..]);
    }

    /// <summary>Eight groups, whose scales are whole numbers of 6 bits times one for all.</summary>
    public static void WriteSuperBlock(ReadOnlySpan<float> weights, Span<byte> block)
    {
        block.Clear();
        Span<float> scales = stackalloc float[8];
        for (var group = 0; group < scales.Length; group++)
            scales[group] = FindScale(weights.Slice(group * Group, Group));
        var scale = BlockWriter.WriteHalf(block, TensorPrimitives.MaxMagnitude<float>(scales) / -32);
        var high = 0;
        for (var group = 0; group < scales.Length; group++)
        {
            var code = BlockWriter.Round(scales[group], scale, -32, 31) + 32;
            block[4 + (group / 2)] |= (byte)((code & 15) << (group % 2 * 4));
            high |= code >> 4 << (2 * group);
            WriteLevels(weights.Slice(group * Group, Group), scale * (code - 32), Curve, block.Slice(8 + (group * 16), 16));
        }

        BinaryPrimitives.WriteUInt16LittleEndian(block[2..], (ushort)high);
    }

    private static float FindScale(ReadOnlySpan<float> weights)
    {
        var (best, least) = (0f, float.PositiveInfinity);
        foreach (var share in Shares)
        {
            var scale = TensorPrimitives.MaxMagnitude(weights) / Curve[0] * share;
            var error = Error(weights, scale, Curve);
            if (error < least)
                (best, least) = (scale, error);
        }

        return best;
    }

    private static float Error(ReadOnlySpan<float> weights, float scale, sbyte[] levels)
    {
        var sum = 0f;
        foreach (var weight in weights)
        {
            var difference = weight - (scale * levels[Nearest(weight, scale, levels)]);
            sum += difference * difference;
        }

        return sum;
    }

    private static void WriteLevels(ReadOnlySpan<float> weights, float scale, sbyte[] levels, Span<byte> nibbles)
    {
        for (var i = 0; i < weights.Length; i++)
            BlockWriter.PutNibble(nibbles, i, Nearest(weights[i], scale, levels));
    }

    private static int Nearest(float weight, float scale, sbyte[] levels)
    {
        var best = 0;
        for (var code = 1; code < levels.Length; code++)
        {
            if (MathF.Abs(weight - (scale * levels[code])) < MathF.Abs(weight - (scale * levels[best])))
                best = code;
        }

        return best;
    }
}

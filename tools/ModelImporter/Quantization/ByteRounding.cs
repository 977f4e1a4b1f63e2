using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Rows of 8 bits with a scale per group. Weights that were stored so, or with fewer bits on the same grid, are taken over as they are;
/// others go to the nearest code.
/// </summary>
internal static class ByteRounding
{
    private const int GridGroup = 32;
    private const int ZeroPoint = 128;

    /// <summary>Relative error that a scale has at most as a normal number of half precision.</summary>
    private const float ScaleErrorMax = 1f / 2048;

    /// <summary>Weights per scale: those of the file where it was rounded before, else the largest that is allowed and divides.</summary>
    /// <exception cref="InvalidDataException">No group divides the inputs.</exception>
    public static int GroupOf(CheckpointTensors tensors, LinearWeights linear, int blockMax) =>
        BlockLayout.RequireBlock(linear, linear.Parts.Any(part => tensors.IsQuantized(part.Weight)) ? GridGroup : blockMax);

    /// <summary>Rounds a row.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="linear">The weights.</param>
    /// <param name="row">Row among all parts.</param>
    /// <param name="group">Weights per scale.</param>
    /// <param name="weights">Room for the row; what is taken over as it is stored need not be widened into it.</param>
    /// <param name="codes">Takes one byte per weight: weight = (code − 128) · scale.</param>
    /// <param name="scales">Takes one scale per group.</param>
    public static void Round(
        CheckpointTensors tensors, LinearWeights linear, int row, int group, Span<float> weights, Span<byte> codes, Span<Half> scales)
    {
        var (part, partRow) = linear.Find(row);
        if (group != GridGroup || !tensors.HasLevels(part.Weight))
        {
            linear.Read(tensors, row, 0, weights);
            SymmetricQuantizer.Quantize(weights, group, codes, scales);
            return;
        }

        Span<float> given = new float[scales.Length];
        tensors.ReadLevels(part.Weight, partRow, MemoryMarshal.Cast<byte, sbyte>(codes), given);
        // To add 128 to a number of 8 bits is to turn its sign bit.
        TensorPrimitives.Xor(codes, (byte)ZeroPoint, codes);
        TensorPrimitives.ConvertToHalf(given, scales);
        var isRead = false;
        for (var g = 0; g < scales.Length; g++)
        {
            if (MathF.Abs((float)scales[g] - given[g]) <= MathF.Abs(given[g]) * ScaleErrorMax)
                continue;
            if (!isRead)
                linear.Read(tensors, row, 0, weights);
            isRead = true;
            SymmetricQuantizer.Quantize(
                weights.Slice(g * group, group), group, codes.Slice(g * group, group), scales.Slice(g, 1));
        }
    }

    /// <summary>What a row of codes stands for.</summary>
    public static void Widen(ReadOnlySpan<byte> codes, ReadOnlySpan<Half> scales, int group, Span<float> weights)
    {
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (codes[i] - ZeroPoint) * (float)scales[i / group];
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// Rounds activations to 8 bits with a scale per row and group of inputs: the largest magnitude falls on ±127; with a norm before, where
/// the step has one. The same operations in every vector width, so the same bits.
/// </summary>
internal static unsafe class ActivationQuantizer
{
    private const float Largest = 127;

    /// <summary>A group below this is zero: its reciprocal would overflow.</summary>
    private const float Smallest = 1e-30f;

    private const int Infinity = 0x7F800000;

    private const int GroupMax = 128;
    private const int AlignmentBytes = 64;

    /// <summary>Quantises the rows of one tile.</summary>
    /// <param name="step">Its arguments; activations and parameters are written, and the sums before a norm.</param>
    /// <param name="row">First row of the tile.</param>
    /// <param name="rows">Rows of the tile.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void QuantizeTile(QuantizedLinearStep* step, int row, int rows)
    {
        if (step->NormWeight is not null)
        {
            NormalizeTile(step, row, rows);
            return;
        }

        var groups = step->Groups;
        for (var r = 0; r < rows; r++)
        {
            var source = step->InputRow(row + r);
            var target = step->Activations + ((long)row * step->Inputs) + (8 * r);
            var parameters = step->Parameters + ((long)row * groups * 2) + (2 * r);
            for (var group = 0; group < groups; group++)
            {
                var (scale, sum) = QuantizeGroup(source, step->Group, target, 8 * rows);
                parameters[0] = scale;
                parameters[1] = sum;
                source += step->Group;
                target += step->Group * rows;
                parameters += 2 * rows;
            }
        }
    }

    /// <summary>The same with a norm before; apart, so that neither loop holds what only the other needs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalizeTile(QuantizedLinearStep* step, int row, int rows)
    {
        var groups = step->Groups;
        var space = stackalloc float[GroupMax + (AlignmentBytes / sizeof(float))];
        var normalized = (float*)(((nuint)space + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
        for (var r = 0; r < rows; r++)
        {
            var source = AddUpdate(step, row + r, out var factor);
            var weight = step->NormWeight;
            var target = step->Activations + ((long)row * step->Inputs) + (8 * r);
            var parameters = step->Parameters + ((long)row * groups * 2) + (2 * r);
            for (var group = 0; group < groups; group++)
            {
                RootMeanSquareNorm.Apply(source, weight, factor, normalized, step->Group);
                var (scale, sum) = QuantizeGroup(normalized, step->Group, target, 8 * rows);
                parameters[0] = scale;
                parameters[1] = sum;
                source += step->Group;
                weight += step->Group;
                target += step->Group * rows;
                parameters += 2 * rows;
            }

            if (step->Adapters is not null && step->Adapters->Places[row + r] is var place && place >= 0)
            {
                var start = step->Adapters->Normalized + ((long)place * step->Inputs);
                RootMeanSquareNorm.Apply(source - step->Inputs, step->NormWeight, factor, start, step->Inputs);
            }
        }
    }

    /// <summary>The row that a norm is computed from, with its update in it, and what to multiply it with.</summary>
    private static float* AddUpdate(QuantizedLinearStep* step, int row, out float factor)
    {
        var first = (long)row * step->Inputs;
        var source = step->Input + first;
        var update = step->Update is null ? null : step->Update + first;
        var sum = update is null ? null : step->Sum + first;
        factor = RootMeanSquareNorm.Measure(source, update, sum, step->Inputs, step->Epsilon);
        return update is null ? source : sum;
    }

    /// <summary>Quantises one group of one row; eight activations lie together, <paramref name="stride"/> bytes apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float Scale, float Sum) QuantizeGroup(float* source, int count, sbyte* target, int stride)
    {
        // Without their sign the bits of floats are ordered like the floats, infinity and NaN above all numbers.
        var largest = Vector512<int>.Zero;
        for (var i = 0; i < count; i += Vector512<float>.Count)
            largest = Vector512.Max(largest, Vector512.Load((int*)(source + i)) & Vector512.Create(int.MaxValue));
        var half = Vector256.Max(largest.GetLower(), largest.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        var bits = Math.Max(Math.Max(quarter[0], quarter[1]), Math.Max(quarter[2], quarter[3]));
        var magnitude = BitConverter.Int32BitsToSingle(bits);
        if (bits >= Infinity || magnitude < Smallest)
        {
            for (var i = 0; i < count / 8; i++)
                *(long*)(target + (i * stride)) = 0;
            return (bits >= Infinity ? float.NaN : 0, 0);
        }

        var inverse = Vector512.Create(Largest / magnitude);
        if (count == Vector512<float>.Count)
        {
            var rounded = Vector512.ConvertToInt32Native(Vector512.Round(Vector512.Load(source) * inverse));
            var narrow = Vector512.Narrow(rounded, rounded).GetLower();
            var octets = Vector256.Narrow(narrow, narrow).AsInt64();
            *(long*)target = octets[0];
            *(long*)(target + stride) = octets[1];
            return (magnitude / Largest, Vector512.Sum(rounded));
        }

        var sums = Vector512<int>.Zero;
        for (var i = 0; i < count; i += 2 * Vector512<float>.Count)
        {
            var lower = Vector512.ConvertToInt32Native(Vector512.Round(Vector512.Load(source + i) * inverse));
            var upper = Vector512.ConvertToInt32Native(
                Vector512.Round(Vector512.Load(source + i + Vector512<float>.Count) * inverse));
            sums += lower + upper;
            var shorts = Vector512.Narrow(lower, upper);
            var bytes = Vector256.Narrow(shorts.GetLower(), shorts.GetUpper()).AsInt64();
            *(long*)target = bytes[0];
            *(long*)(target + stride) = bytes[1];
            *(long*)(target + (2 * stride)) = bytes[2];
            *(long*)(target + (3 * stride)) = bytes[3];
            target += 4 * stride;
        }

        return (magnitude / Largest, Vector512.Sum(sums));
    }
}

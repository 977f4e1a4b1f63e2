using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// The innermost loops for one row in 256 bits: all sixteen outputs of both streams in one pass, so that each line is read once and memory
/// is never idle, and sums in registers. The arithmetic, and its order, is that of
/// <see cref="QuantizedTileBody{TOps, TInt, TFloat, TRows, TForm}"/>.
/// </summary>
internal static unsafe class QuantizedRowBody<TOps>
    where TOps : struct, IQuantizedOps<Vector256<int>, Vector256<float>>
{
    private const int VectorBytes = QuantizedLinearLayout.VectorBytes;
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;
    private const int RunVectors = QuantizedTile.RunInputs / QuantizedLinearLayout.VectorInputs;

    /// <summary>Fills the sums of both streams' products with the row; codes are numbers, in groups of 32 and more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(QuantizedTile* tile)
    {
        byte* first = tile->FirstCodes, second = tile->SecondCodes;
        ushort* firstHalves = tile->FirstHalves, secondHalves = tile->SecondHalves;
        var activations = tile->Activations;
        var parameters = tile->Parameters;
        var ahead = tile->Ahead;
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (var group = 0; group < tile->Groups; group++)
        {
            Vector256<int> p0 = default, p1 = default, p2 = default, p3 = default;
            for (var run = 0; run < tile->GroupRuns; run++)
            {
                var pairs0 = Start(first, activations);
                var pairs1 = Start(first + 32, activations);
                var pairs2 = Start(second, activations);
                var pairs3 = Start(second + 32, activations);
                Prefetch(first + ahead, second + ahead);
                for (var i = 1; i < RunVectors; i++)
                {
                    Add(ref pairs0, first + (VectorBytes * i), activations + (8 * i));
                    Add(ref pairs1, first + (VectorBytes * i) + 32, activations + (8 * i));
                    Add(ref pairs2, second + (VectorBytes * i), activations + (8 * i));
                    Add(ref pairs3, second + (VectorBytes * i) + 32, activations + (8 * i));
                    Prefetch(first + ahead + (VectorBytes * i), second + ahead + (VectorBytes * i));
                }

                p0 += TOps.Widen(pairs0);
                p1 += TOps.Widen(pairs1);
                p2 += TOps.Widen(pairs2);
                p3 += TOps.Widen(pairs3);
                first += RunVectors * VectorBytes;
                second += RunVectors * VectorBytes;
                activations += QuantizedTile.RunInputs;
            }

            Vector256<float> rowScale = Vector256.Create(parameters[0]), rowSum = Vector256.Create(parameters[1]);
            Finish(tile, firstHalves, isFirst: true, rowScale, rowSum, p0, ref sum0);
            Finish(tile, firstHalves + 8, isFirst: true, rowScale, rowSum, p1, ref sum1);
            Finish(tile, secondHalves, isFirst: false, rowScale, rowSum, p2, ref sum2);
            Finish(tile, secondHalves + 8, isFirst: false, rowScale, rowSum, p3, ref sum3);
            Prefetch((byte*)firstHalves + tile->ScalesAhead, (byte*)secondHalves + tile->ScalesAhead);
            firstHalves += tile->GroupHalves;
            secondHalves += tile->GroupHalves;
            parameters += 2;
        }

        sum0.Store(tile->Sums);
        sum1.Store(tile->Sums + 8);
        sum2.Store(tile->Sums + BlockOutputs);
        sum3.Store(tile->Sums + BlockOutputs + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Start(byte* codes, sbyte* activations)
    {
        var both = TOps.LoadCodes(codes);
        return TOps.Multiply(
            TOps.Low(both), TOps.Broadcast(activations), TOps.High(both), TOps.Broadcast(activations + 4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref Vector256<int> pairs, byte* codes, sbyte* activations)
    {
        var both = TOps.LoadCodes(codes);
        pairs = TOps.Accumulate(
            pairs, TOps.Low(both), TOps.Broadcast(activations), TOps.High(both), TOps.Broadcast(activations + 4));
    }

    /// <summary>Scales the integers of a group and adds them to the results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        QuantizedTile* tile, ushort* halves, bool isFirst, Vector256<float> rowScale, Vector256<float> rowSum, Vector256<int> integers,
        ref Vector256<float> sum)
    {
        var factor = Vector256.Create(isFirst ? tile->FirstFactor : tile->SecondFactor);
        var middle = Vector256.Create(isFirst ? tile->FirstMinimum : tile->SecondMinimum);
        var scale = TOps.LoadHalves(halves, factor);
        Vector256<float> minimum;
        if (tile->HasMinima && !tile->SharesMinima)
            minimum = TOps.LoadHalves(halves + BlockOutputs, factor);
        else if (tile->HasMinima && isFirst)
            minimum = TOps.MultiplyAdd(scale, middle, TOps.LoadHalves(halves + BlockOutputs, Vector256.Create(tile->SecondFactor)));
        else
            minimum = scale * middle;

        var product = TOps.MultiplyAdd(TOps.ToFloat(integers), scale, minimum * rowSum);
        sum = TOps.MultiplyAdd(product, rowScale, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* first, byte* second)
    {
        Sse.Prefetch1(first);
        Sse.Prefetch1(second);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>The innermost loops, for one instruction set and one number of rows.</summary>
/// <remarks>Per row and output: for each group in order, sums in integers, then sum += (integers · scale + minimum · Σ activations) ·
/// scale of the activations, each a single rounding. Nothing in it depends on the other rows or on the tile.</remarks>
internal static unsafe class QuantizedTileBody<TOps, TInt, TFloat, TRows, TForm>
    where TOps : struct, IQuantizedOps<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
    where TRows : struct, ITileRows
    where TForm : struct, ITileForm
{
    private const int VectorBytes = QuantizedLinearLayout.VectorBytes;
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;

    /// <summary>Adds both streams' products with all rows.</summary>
    /// <param name="tile">The arguments.</param>
    /// <param name="part">Which <typeparamref name="TInt"/> of the sixteen outputs.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(QuantizedTile* tile, int part)
    {
        byte* first = tile->FirstCodes + (4 * TOps.Width * part), second = tile->SecondCodes + (4 * TOps.Width * part);
        var groupSums = tile->GroupSums + (TOps.Width * part);
        var activations = tile->Activations;
        var step = tile->AheadStep;
        byte* next = tile->FirstCodes + tile->Ahead, next2 = tile->SecondCodes + tile->Ahead;
        // Where sixteen outputs are two vectors, each line is read twice: each time that of one stream is asked for, so that memory is
        // never idle.
        if (TOps.Width < BlockOutputs && !TForm.HasLevels && part > 0)
            next = next2;
        for (var group = 0; group < tile->Groups; group++)
        {
            for (var run = 0; run < tile->GroupRuns; run++)
            {
                TInt p0, p1, p2, p3, p4, p5, p6, p7, q0, q1, q2, q3, q4, q5, q6, q7;
                Unsafe.SkipInit(out p0); Unsafe.SkipInit(out p1); Unsafe.SkipInit(out p2); Unsafe.SkipInit(out p3);
                Unsafe.SkipInit(out p4); Unsafe.SkipInit(out p5); Unsafe.SkipInit(out p6); Unsafe.SkipInit(out p7);
                Unsafe.SkipInit(out q0); Unsafe.SkipInit(out q1); Unsafe.SkipInit(out q2); Unsafe.SkipInit(out q3);
                Unsafe.SkipInit(out q4); Unsafe.SkipInit(out q5); Unsafe.SkipInit(out q6); Unsafe.SkipInit(out q7);
                Load(tile, first, second, out var low, out var high, out var low2, out var high2);
                Prefetch(ref next, ref next2, step);
                MultiplyFour(0, activations, low, high, low2, high2, ref p0, ref p1, ref p2, ref p3, ref q0, ref q1, ref q2, ref q3);
                MultiplyFour(4, activations, low, high, low2, high2, ref p4, ref p5, ref p6, ref p7, ref q4, ref q5, ref q6, ref q7);
                for (var i = 1; i < TForm.RunVectors; i++)
                {
                    first += VectorBytes;
                    second += VectorBytes;
                    activations += 8 * TRows.Count;
                    Load(tile, first, second, out low, out high, out low2, out high2);
                    Prefetch(ref next, ref next2, step);
                    AddFour(0, activations, low, high, low2, high2, ref p0, ref p1, ref p2, ref p3, ref q0, ref q1, ref q2, ref q3);
                    AddFour(4, activations, low, high, low2, high2, ref p4, ref p5, ref p6, ref p7, ref q4, ref q5, ref q6, ref q7);
                }

                first += VectorBytes;
                second += VectorBytes;
                activations += 8 * TRows.Count;
                if (run < tile->GroupRuns - 1)
                {
                    StoreFour(0, run, groupSums, p0, p1, p2, p3, q0, q1, q2, q3);
                    StoreFour(4, run, groupSums, p4, p5, p6, p7, q4, q5, q6, q7);
                    continue;
                }

                // The sums of a group's last run need not pass through memory.
                LoadScales(tile, group, part, out var scale, out var minimum, out var scale2, out var minimum2);
                PrefetchScales(tile, group, part);
                var sums = tile->Sums + (TOps.Width * part);
                var parameters = tile->Parameters + (2 * TRows.Count * group);
                FinishFour(
                    0, run, groupSums, sums, parameters, scale, minimum, scale2, minimum2, p0, p1, p2, p3, q0, q1, q2, q3);
                FinishFour(
                    4, run, groupSums, sums, parameters, scale, minimum, scale2, minimum2, p4, p5, p6, p7, q4, q5, q6, q7);
            }
        }
    }

    /// <summary>The next nibbles of both streams; where codes stand for levels, both planes of the one stream's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(
        QuantizedTile* tile, byte* first, byte* second, out TInt low, out TInt high, out TInt low2, out TInt high2)
    {
        var codes = TOps.LoadCodes(first);
        low = TOps.Low(codes);
        high = TOps.High(codes);
        if (TForm.HasLevels)
        {
            low2 = TOps.LookUp(tile->SecondTable, low);
            high2 = TOps.LookUp(tile->SecondTable, high);
            low = TOps.LookUp(tile->FirstTable, low);
            high = TOps.LookUp(tile->FirstTable, high);
            return;
        }

        codes = TOps.LoadCodes(second);
        low2 = TOps.Low(codes);
        high2 = TOps.High(codes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyFour(
        int row, sbyte* activations, TInt low, TInt high, TInt low2, TInt high2,
        ref TInt p0, ref TInt p1, ref TInt p2, ref TInt p3, ref TInt q0, ref TInt q1, ref TInt q2, ref TInt q3)
    {
        activations += 8 * row;
        if (TRows.Count > row)
            Multiply(activations, low, high, low2, high2, ref p0, ref q0);
        if (TRows.Count > row + 1)
            Multiply(activations + 8, low, high, low2, high2, ref p1, ref q1);
        if (TRows.Count > row + 2)
            Multiply(activations + 16, low, high, low2, high2, ref p2, ref q2);
        if (TRows.Count > row + 3)
            Multiply(activations + 24, low, high, low2, high2, ref p3, ref q3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddFour(
        int row, sbyte* activations, TInt low, TInt high, TInt low2, TInt high2,
        ref TInt p0, ref TInt p1, ref TInt p2, ref TInt p3, ref TInt q0, ref TInt q1, ref TInt q2, ref TInt q3)
    {
        activations += 8 * row;
        if (TRows.Count > row)
            Add(activations, low, high, low2, high2, ref p0, ref q0);
        if (TRows.Count > row + 1)
            Add(activations + 8, low, high, low2, high2, ref p1, ref q1);
        if (TRows.Count > row + 2)
            Add(activations + 16, low, high, low2, high2, ref p2, ref q2);
        if (TRows.Count > row + 3)
            Add(activations + 24, low, high, low2, high2, ref p3, ref q3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(
        int row, int run, int* sums, TInt p0, TInt p1, TInt p2, TInt p3, TInt q0, TInt q1, TInt q2, TInt q3)
    {
        sums += 2 * BlockOutputs * row;
        if (TRows.Count > row)
            Store(run, sums, p0, q0);
        if (TRows.Count > row + 1)
            Store(run, sums + (2 * BlockOutputs), p1, q1);
        if (TRows.Count > row + 2)
            Store(run, sums + (4 * BlockOutputs), p2, q2);
        if (TRows.Count > row + 3)
            Store(run, sums + (6 * BlockOutputs), p3, q3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(sbyte* activations, TInt low, TInt high, TInt low2, TInt high2, ref TInt sum, ref TInt sum2)
    {
        TInt x = TOps.Broadcast(activations), y = TOps.Broadcast(activations + 4);
        sum = TOps.Multiply(low, x, high, y);
        sum2 = TOps.Multiply(low2, x, high2, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(sbyte* activations, TInt low, TInt high, TInt low2, TInt high2, ref TInt sum, ref TInt sum2)
    {
        TInt x = TOps.Broadcast(activations), y = TOps.Broadcast(activations + 4);
        sum = TOps.Accumulate(sum, low, x, high, y);
        sum2 = TOps.Accumulate(sum2, low2, x, high2, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(int run, int* sums, TInt sum, TInt sum2)
    {
        sum = TOps.Widen(sum);
        sum2 = TOps.Widen(sum2);
        if (run > 0)
        {
            sum = TOps.Add(sum, TOps.LoadSums(sums));
            sum2 = TOps.Add(sum2, TOps.LoadSums(sums + BlockOutputs));
        }

        TOps.Store(sums, sum);
        TOps.Store(sums + BlockOutputs, sum2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadScales(
        QuantizedTile* tile, int group, int part, out TFloat scale, out TFloat minimum, out TFloat scale2, out TFloat minimum2)
    {
        var halves = (tile->GroupHalves * group) + (TOps.Width * part);
        ushort* firstHalves = tile->FirstHalves + halves, secondHalves = tile->SecondHalves + halves;
        TFloat factor = TOps.Broadcast(tile->FirstFactor), factor2 = TOps.Broadcast(tile->SecondFactor);
        scale = TOps.LoadHalves(firstHalves, factor);
        scale2 = TOps.LoadHalves(secondHalves, factor2);
        if (!tile->HasMinima)
        {
            minimum = TOps.Multiply(scale, TOps.Broadcast(tile->FirstMinimum));
            minimum2 = TOps.Multiply(scale2, TOps.Broadcast(tile->SecondMinimum));
        }
        else if (!tile->SharesMinima)
        {
            minimum = TOps.LoadHalves(firstHalves + BlockOutputs, factor);
            minimum2 = TOps.LoadHalves(secondHalves + BlockOutputs, factor2);
        }
        else
        {
            // The minimum is the weight's, so it counts once: in the high plane, with what brings that around its middle.
            minimum = TOps.LoadHalves(firstHalves + BlockOutputs, factor2);
            minimum = TOps.MultiplyAdd(scale, TOps.Broadcast(tile->FirstMinimum), minimum);
            minimum2 = TOps.Multiply(scale2, TOps.Broadcast(tile->SecondMinimum));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishFour(
        int row, int run, int* groupSums, float* sums, float* parameters, TFloat scale, TFloat minimum, TFloat scale2, TFloat minimum2,
        TInt p0, TInt p1, TInt p2, TInt p3, TInt q0, TInt q1, TInt q2, TInt q3)
    {
        groupSums += 2 * BlockOutputs * row;
        sums += 2 * BlockOutputs * row;
        parameters += 2 * row;
        if (TRows.Count > row)
            Finish(0, run, groupSums, sums, parameters, scale, minimum, scale2, minimum2, p0, q0);
        if (TRows.Count > row + 1)
            Finish(1, run, groupSums, sums, parameters, scale, minimum, scale2, minimum2, p1, q1);
        if (TRows.Count > row + 2)
            Finish(2, run, groupSums, sums, parameters, scale, minimum, scale2, minimum2, p2, q2);
        if (TRows.Count > row + 3)
            Finish(3, run, groupSums, sums, parameters, scale, minimum, scale2, minimum2, p3, q3);
    }

    /// <summary>Scales the integers of a group and a row and adds them to the results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        int row, int run, int* groupSums, float* sums, float* parameters, TFloat scale, TFloat minimum, TFloat scale2, TFloat minimum2,
        TInt sum, TInt sum2)
    {
        groupSums += 2 * BlockOutputs * row;
        sums += 2 * BlockOutputs * row;
        sum = TOps.Widen(sum);
        sum2 = TOps.Widen(sum2);
        if (run > 0)
        {
            sum = TOps.Add(sum, TOps.LoadSums(groupSums));
            sum2 = TOps.Add(sum2, TOps.LoadSums(groupSums + BlockOutputs));
        }

        TFloat rowScale = TOps.Broadcast(parameters[2 * row]), rowSum = TOps.Broadcast(parameters[(2 * row) + 1]);
        var product = TOps.MultiplyAdd(TOps.ToFloat(sum), scale, TOps.Multiply(minimum, rowSum));
        TOps.Store(sums, TOps.MultiplyAdd(product, rowScale, TOps.Load(sums)));
        product = TOps.MultiplyAdd(TOps.ToFloat(sum2), scale2, TOps.Multiply(minimum2, rowSum));
        TOps.Store(sums + BlockOutputs, TOps.MultiplyAdd(product, rowScale, TOps.Load(sums + BlockOutputs)));
    }

    /// <summary>Asks for the next line of what comes behind these codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(ref byte* next, ref byte* next2, nint step)
    {
        if (!Sse.IsSupported)
            return;
        if (TForm.HasLevels || TOps.Width < BlockOutputs)
        {
            Sse.Prefetch1(next);
            next += step;
            return;
        }

        Sse.Prefetch0(next);
        Sse.Prefetch0(next2);
        next += step;
        next2 += step;
    }

    /// <summary>The same of scales, which are too short for the processor to see by itself where reading goes on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchScales(QuantizedTile* tile, int group, int part)
    {
        if (!Sse.IsSupported || TOps.Width == BlockOutputs)
            return;
        var halves = (byte*)((part == 0 ? tile->FirstHalves : tile->SecondHalves) + (tile->GroupHalves * group));
        Sse.Prefetch1(halves + tile->ScalesAhead);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Parley.ModelImporter.Package;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>The innermost loops, for one instruction set and one number of rows.</summary>
/// <remarks>Per row and output: for each group in order, sums in integers, then sum += (integers · scale + minimum · Σ activations) ·
/// scale of the activations, each a single rounding. Nothing in it depends on the other rows or on the tile.</remarks>
internal static unsafe class QuantizedTileBody<TOps, TInt, TFloat, TRows>
    where TOps : struct, IQuantizedOps<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
    where TRows : struct, ITileRows
{
    private const int VectorBytes = QuantizedLinearLayout.VectorBytes;
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;
    private const int RunVectors = 32 / QuantizedLinearLayout.VectorInputs;

    /// <summary>Adds both streams' products with all rows.</summary>
    /// <param name="tile">The arguments.</param>
    /// <param name="part">Which <typeparamref name="TInt"/> of the sixteen outputs.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(QuantizedTile* tile, int part)
    {
        byte* first = tile->FirstCodes + (4 * TOps.Width * part), second = tile->SecondCodes + (4 * TOps.Width * part);
        ushort* firstHalves = tile->FirstHalves + (TOps.Width * part), secondHalves = tile->SecondHalves + (TOps.Width * part);
        var activations = tile->Activations;
        var parameters = tile->Parameters;
        var ahead = tile->Ahead;
        for (var group = 0; group < tile->Groups; group++)
        {
            TInt a0 = TOps.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            for (var run = 0; run < tile->GroupRuns; run++)
            {
                TInt p0 = TOps.Zero, p1 = p0, p2 = p0, p3 = p0, q0 = p0, q1 = p0, q2 = p0, q3 = p0;
                for (var i = 0; i < RunVectors; i++)
                {
                    Prefetch(first + ahead);
                    Prefetch(second + ahead);
                    TInt codes = TOps.LoadCodes(first), low = TOps.Low(codes), high = TOps.High(codes);
                    codes = TOps.LoadCodes(second);
                    TInt low2 = TOps.Low(codes), high2 = TOps.High(codes);
                    Add(activations, low, high, low2, high2, ref p0, ref q0);
                    if (TRows.Count > 1)
                        Add(activations + 8, low, high, low2, high2, ref p1, ref q1);
                    if (TRows.Count > 2)
                        Add(activations + 16, low, high, low2, high2, ref p2, ref q2);
                    if (TRows.Count > 3)
                        Add(activations + 24, low, high, low2, high2, ref p3, ref q3);
                    first += VectorBytes;
                    second += VectorBytes;
                    activations += 8 * TRows.Count;
                }

                Widen(ref a0, p0, ref b0, q0);
                if (TRows.Count > 1)
                    Widen(ref a1, p1, ref b1, q1);
                if (TRows.Count > 2)
                    Widen(ref a2, p2, ref b2, q2);
                if (TRows.Count > 3)
                    Widen(ref a3, p3, ref b3, q3);
            }

            TFloat factor = TOps.Broadcast(tile->FirstFactor), factor2 = TOps.Broadcast(tile->SecondFactor);
            TFloat scale = TOps.LoadHalves(firstHalves, factor), scale2 = TOps.LoadHalves(secondHalves, factor2);
            firstHalves += BlockOutputs;
            secondHalves += BlockOutputs;
            TFloat minimum, minimum2;
            if (tile->HasMinima)
            {
                minimum = TOps.LoadHalves(firstHalves, factor);
                minimum2 = TOps.LoadHalves(secondHalves, factor2);
                firstHalves += BlockOutputs;
                secondHalves += BlockOutputs;
            }
            else
            {
                minimum = TOps.Multiply(scale, TOps.Broadcast(tile->FirstMinimum));
                minimum2 = TOps.Multiply(scale2, TOps.Broadcast(tile->SecondMinimum));
            }

            var sums = tile->Sums + (TOps.Width * part);
            Finish(sums, parameters, a0, scale, minimum, b0, scale2, minimum2);
            if (TRows.Count > 1)
                Finish(sums + (2 * BlockOutputs), parameters + 2, a1, scale, minimum, b1, scale2, minimum2);
            if (TRows.Count > 2)
                Finish(sums + (4 * BlockOutputs), parameters + 4, a2, scale, minimum, b2, scale2, minimum2);
            if (TRows.Count > 3)
                Finish(sums + (6 * BlockOutputs), parameters + 6, a3, scale, minimum, b3, scale2, minimum2);
            parameters += 2 * TRows.Count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(sbyte* activations, TInt low, TInt high, TInt low2, TInt high2, ref TInt sum, ref TInt sum2)
    {
        TInt x = TOps.Broadcast(activations), y = TOps.Broadcast(activations + 4);
        sum = TOps.Accumulate(sum, low, x, high, y);
        sum2 = TOps.Accumulate(sum2, low2, x, high2, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen(ref TInt sum, TInt run, ref TInt sum2, TInt run2)
    {
        sum = TOps.Add(sum, TOps.Widen(run));
        sum2 = TOps.Add(sum2, TOps.Widen(run2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        float* sums, float* parameters, TInt integers, TFloat scale, TFloat minimum, TInt integers2, TFloat scale2, TFloat minimum2)
    {
        TFloat rowScale = TOps.Broadcast(parameters[0]), rowSum = TOps.Broadcast(parameters[1]);
        var group = TOps.MultiplyAdd(TOps.ToFloat(integers), scale, TOps.Multiply(minimum, rowSum));
        TOps.Store(sums, TOps.MultiplyAdd(group, rowScale, TOps.Load(sums)));
        group = TOps.MultiplyAdd(TOps.ToFloat(integers2), scale2, TOps.Multiply(minimum2, rowSum));
        sums += BlockOutputs;
        TOps.Store(sums, TOps.MultiplyAdd(group, rowScale, TOps.Load(sums)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>The arguments of a pass over experts of floats as plain pointers, and the bodies of its loops.</summary>
internal unsafe struct FloatExpertsStep
{
    /// <summary>Outputs of a unit.</summary>
    public const int UnitOutputs = 16;

    /// <summary>Never read; the first field, so that a plan runs our units.</summary>
    public QuantizedLinearStep Linear;

    public ExpertGroups Groups;

    public int Hidden;
    public int Intermediate;
    public bool Gelu;
    public bool Clamped;
    public float Alpha;
    public float Limit;

    /// <summary>[rows, hidden].</summary>
    public float* Input;

    /// <summary>[rows, hidden].</summary>
    public float* Output;

    /// <summary>What the gates let through [pairs, intermediate].</summary>
    public float* Between;

    /// <summary>[experts, 2 · intermediate, hidden].</summary>
    public float* GateUp;

    /// <summary>[experts, hidden, intermediate].</summary>
    public float* Down;

    /// <summary>[experts, 2 · intermediate]; null for none.</summary>
    public float* GateUpBias;

    /// <summary>[experts, hidden]; null for none.</summary>
    public float* DownBias;

    /// <summary>Bytes of weights that were read.</summary>
    public long BytesRead;

    public static int Units(int outputs) => (outputs + UnitOutputs - 1) / UnitOutputs;

    /// <summary>Sixteen outputs of one expert's gate for all its rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunGate(QuantizedLinearStep* argument, nint unit)
    {
        var step = (FloatExpertsStep*)argument;
        var units = Units(step->Intermediate);
        var (slot, start) = ((int)unit / units, (int)unit % units * UnitOutputs);
        var count = Math.Min(UnitOutputs, step->Intermediate - start);
        var expert = (long)step->Groups.Active[slot];
        var gates = step->GateUp + (((expert * 2 * step->Intermediate) + start) * step->Hidden);
        var ups = gates + ((long)step->Intermediate * step->Hidden);
        var bias = step->GateUpBias is null ? null : step->GateUpBias + (expert * 2 * step->Intermediate) + start;
        var rows = stackalloc float*[FloatDot.Rows];
        var sums = stackalloc float[FloatDot.Rows * FloatDot.Outputs];
        var values = stackalloc float[2 * FloatDot.Rows * UnitOutputs];
        var end = step->Groups.Starts[slot + 1];
        for (var pair = step->Groups.Starts[slot]; pair < end; pair += FloatDot.Rows)
        {
            var tile = Math.Min(FloatDot.Rows, end - pair);
            for (var r = 0; r < FloatDot.Rows; r++)
                rows[r] = step->Input + ((long)step->Groups.PairRows[pair + Math.Min(r, tile - 1)] * step->Hidden);
            for (var i = 0; i < count; i++)
            {
                var weights = (long)i * step->Hidden;
                FloatDot.Run(rows, gates + weights, ups + weights, step->Hidden, sums);
                for (var r = 0; r < tile; r++)
                {
                    values[(2 * r * UnitOutputs) + i] = sums[2 * r] + (bias is null ? 0 : bias[i]);
                    values[(((2 * r) + 1) * UnitOutputs) + i] = sums[(2 * r) + 1] + (bias is null ? 0 : bias[step->Intermediate + i]);
                }
            }

            for (var r = 0; r < tile; r++)
                step->StoreGate(values + (2 * r * UnitOutputs), pair + r, start, count);
        }

        Interlocked.Add(ref step->BytesRead, 2L * count * step->Hidden * sizeof(float));
    }

    /// <summary>Sixteen columns of the result: what all experts add to them, in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunDown(QuantizedLinearStep* argument, nint unit)
    {
        var step = (FloatExpertsStep*)argument;
        var start = (int)unit * UnitOutputs;
        var count = Math.Min(UnitOutputs, step->Hidden - start);
        for (var row = 0; row < step->Groups.Rows; row++)
        {
            new Span<float>(step->Output + ((long)row * step->Hidden) + start, count)
                .Fill(step->Groups.HasChoice[row] != 0 ? 0 : float.NaN);
        }

        for (var slot = 0; slot < step->Groups.ActiveCount; slot++)
            step->AddExpert(slot, start, count);
        Interlocked.Add(ref step->BytesRead, (long)step->Groups.ActiveCount * count * step->Intermediate * sizeof(float));
    }

    private readonly void AddExpert(int slot, int start, int count)
    {
        var first = ((long)Groups.Active[slot] * Hidden) + start;
        var weights = Down + (first * Intermediate);
        var bias = DownBias is null ? null : DownBias + first;
        var rows = stackalloc float*[FloatDot.Rows];
        var sums = stackalloc float[FloatDot.Rows * FloatDot.Outputs];
        var end = Groups.Starts[slot + 1];
        for (var pair = Groups.Starts[slot]; pair < end; pair += FloatDot.Rows)
        {
            var tile = Math.Min(FloatDot.Rows, end - pair);
            for (var r = 0; r < FloatDot.Rows; r++)
                rows[r] = Between + ((long)(pair + Math.Min(r, tile - 1)) * Intermediate);
            for (var i = 0; i < count; i += FloatDot.Outputs)
            {
                var second = Math.Min(i + 1, count - 1);
                FloatDot.Run(rows, weights + ((long)i * Intermediate), weights + ((long)second * Intermediate), Intermediate, sums);
                for (var j = i; j < Math.Min(i + FloatDot.Outputs, count); j++)
                {
                    for (var r = 0; r < tile; r++)
                    {
                        var value = sums[(2 * r) + j - i] + (bias is null ? 0 : bias[j]);
                        Output[((long)Groups.PairRows[pair + r] * Hidden) + start + j] += value * Groups.PairFactors[pair + r];
                    }
                }
            }
        }
    }

    private readonly void StoreGate(float* values, int pair, int start, int count)
    {
        Vector512<float> gate = Vector512.Load(values), up = Vector512.Load(values + UnitOutputs);
        var through = Clamped ? GatedActivation.ApplyClamped(gate, up, Alpha, Limit)
            : Gelu ? GatedActivation.ApplyGelu(gate, up) : GatedActivation.Apply(gate, up);
        through.Store(values);
        new Span<float>(values, count).CopyTo(new Span<float>(Between + ((long)pair * Intermediate) + start, count));
    }
}

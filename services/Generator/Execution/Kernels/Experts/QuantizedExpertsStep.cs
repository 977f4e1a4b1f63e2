using System.Runtime.CompilerServices;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>The arguments of a pass over quantised experts as plain pointers, and the bodies of its loops.</summary>
internal unsafe struct QuantizedExpertsStep
{
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;

    /// <summary>Rows that a thread rounds at a time.</summary>
    public const int StrideRows = 16;

    /// <summary>The matrix at work, as the first expert has it; the first field, so that a plan runs our units.</summary>
    public QuantizedLinearStep Linear;

    public ExpertGroups Groups;

    /// <summary>Body of a unit of one expert's linear.</summary>
    public delegate*<QuantizedLinearStep*, nint, void> Run;

    public int TileRows;

    /// <summary>From an expert's codes to those of the next.</summary>
    public long CodeBytes;

    /// <summary>The same of its scales and minima.</summary>
    public long HalfCount;

    /// <summary>Biases [experts, outputs] of the matrix at work; null for none.</summary>
    public float* Biases;

    /// <summary>The pass's rows, rounded one by one: activations [rows, inputs], parameters [rows, groups, 2].</summary>
    public sbyte* RowActivations;

    public float* RowParameters;

    /// <summary>Bytes of weights that were read.</summary>
    public long BytesRead;

    /// <summary>Units of the gate: experts that have rows, times blocks of outputs.</summary>
    public readonly int GateUnits => Groups.ActiveCount * Linear.Units;

    private readonly long BlockHalves => QuantizedLinearLayout.BlockScales(Linear.Inputs, Linear.Group, Linear.HasMinima);

    private readonly int UnitBlocks => Linear.HasBytes && !Linear.Gated ? 1 : 2;

    /// <summary>Bytes of codes and scales that a unit reads of one expert.</summary>
    private readonly long UnitBytes(int blocks) => blocks * (
        (QuantizedLinearLayout.BlockBytes(Linear.Inputs) * Linear.Planes)
        + (QuantizedLinearLayout.BlockScales(Linear.Inputs, Linear.Group, Linear.HasMinima) * (long)sizeof(ushort)));

    /// <summary>Rounds some of the pass's rows.</summary>
    public static void QuantizeRows(void* argument, nint stride)
    {
        var step = (QuantizedExpertsStep*)argument;
        var linear = step->Linear;
        linear.Activations = step->RowActivations;
        linear.Parameters = step->RowParameters;
        var end = Math.Min(((int)stride + 1) * StrideRows, step->Groups.Rows);
        for (var row = (int)stride * StrideRows; row < end; row++)
            ActivationQuantizer.QuantizeTile(&linear, row, 1);
    }

    /// <summary>Brings an expert's rows together into tiles; a single row is read where it lies.</summary>
    public static void GatherRows(void* argument, nint slot)
    {
        var step = (QuantizedExpertsStep*)argument;
        ref readonly var linear = ref step->Linear;
        var count = step->Groups.RowsOf((int)slot);
        var first = step->Groups.Starts[slot];
        var (octets, groups) = (linear.Inputs / 8, linear.Groups);
        for (int row = 0, rows; count > 1 && row < count; row += rows)
        {
            rows = QuantizedLinearStep.RowsOfTile(count - row, step->TileRows);
            var pair = first + row;
            var activations = (long*)(linear.Activations + ((long)pair * linear.Inputs));
            var parameters = (long*)(linear.Parameters + ((long)pair * groups * 2));
            for (var r = 0; r < rows; r++)
            {
                var source = (long)step->Groups.PairRows[pair + r];
                Spread((long*)(step->RowActivations + (source * linear.Inputs)), activations + r, octets, rows);
                Spread((long*)(step->RowParameters + (source * groups * 2)), parameters + r, groups, rows);
            }
        }
    }

    /// <summary>Rounds what an expert's gate let through, tile by tile.</summary>
    public static void QuantizeExpert(void* argument, nint slot)
    {
        var step = (QuantizedExpertsStep*)argument;
        var count = step->Groups.RowsOf((int)slot);
        for (int row = 0, rows; row < count; row += rows)
        {
            rows = QuantizedLinearStep.RowsOfTile(count - row, step->TileRows);
            ActivationQuantizer.QuantizeTile(&step->Linear, step->Groups.Starts[slot] + row, rows);
        }
    }

    /// <summary>Sixteen outputs of one expert's gate for all its rows.</summary>
    public static void RunGate(QuantizedLinearStep* argument, nint unit)
    {
        var step = (QuantizedExpertsStep*)argument;
        var units = step->Linear.Units;
        var (slot, block) = ((int)unit / units, (int)unit % units);
        var linear = step->Linear;
        step->SetExpert(&linear, slot);
        if (linear.Rows == 1)
        {
            var row = (long)step->Groups.PairRows[step->Groups.Starts[slot]];
            linear.Activations = step->RowActivations + (row * linear.Inputs);
            linear.Parameters = step->RowParameters + (row * linear.Groups * 2);
        }

        linear.Output += (long)step->Groups.Starts[slot] * linear.Columns;
        if (block == units - 1)
        {
            var distance = step->Distance(slot);
            linear.Ahead = (nint)((distance * step->CodeBytes) - (block * QuantizedLinearLayout.BlockBytes(linear.Inputs)));
            linear.ScalesAhead = (nint)((distance * step->HalfCount) - (block * step->BlockHalves)) * sizeof(ushort);
        }

        step->Run(&linear, block);
        Interlocked.Add(ref step->BytesRead, step->UnitBytes(blocks: 2));
    }

    /// <summary>
    /// Sixteen or thirty-two columns of the result: what all experts add to them, in ascending order, so that a row's sum depends on no
    /// other row and on no thread.
    /// </summary>
    public static void RunDown(QuantizedLinearStep* argument, nint unit)
    {
        var step = (QuantizedExpertsStep*)argument;
        var blocks = step->UnitBlocks;
        var first = (int)unit * blocks;
        step->Clear(first * BlockOutputs, Math.Min((first + blocks) * BlockOutputs, step->Linear.Outputs));
        for (var slot = 0; slot < step->Groups.ActiveCount; slot++)
        {
            var linear = step->Linear;
            step->SetExpert(&linear, slot);
            var start = step->Groups.Starts[slot];
            linear.Targets = step->Groups.PairRows + start;
            linear.Factors = step->Groups.PairFactors + start;
            var (distance, further) = (step->Distance(slot), slot == step->Groups.ActiveCount - 1 ? blocks : 0);
            linear.Ahead = (nint)((distance * step->CodeBytes) + (further * QuantizedLinearLayout.BlockBytes(linear.Inputs)));
            linear.ScalesAhead = (nint)((distance * step->HalfCount) + (further * step->BlockHalves)) * sizeof(ushort);
            step->Run(&linear, unit);
        }

        Interlocked.Add(
            ref step->BytesRead, step->Groups.ActiveCount * step->UnitBytes(Math.Min(blocks, step->Linear.Blocks - first)));
    }

    /// <summary>Makes a step over the first expert's matrix one over a slot's, with its rows.</summary>
    private readonly void SetExpert(QuantizedLinearStep* linear, int slot)
    {
        var (expert, start) = (Groups.Active[slot], Groups.Starts[slot]);
        linear->Codes += expert * CodeBytes;
        linear->Halves += expert * HalfCount;
        linear->Bias = Biases is null ? null : Biases + ((long)expert * linear->Outputs);
        linear->Rows = Groups.RowsOf(slot);
        linear->Activations += (long)start * linear->Inputs;
        linear->Parameters += (long)start * linear->Groups * 2;
    }

    /// <summary>Experts from one to the next that has rows; from the last to the first.</summary>
    private readonly long Distance(int slot) =>
        Groups.Active[slot + 1 < Groups.ActiveCount ? slot + 1 : 0] - Groups.Active[slot];

    /// <summary>Zeros, or NaN in rows without a choice.</summary>
    private readonly void Clear(int start, int end)
    {
        for (var row = 0; row < Groups.Rows; row++)
        {
            new Span<float>(Linear.Output + ((long)row * Linear.Outputs) + start, end - start)
                .Fill(Groups.HasChoice[row] != 0 ? 0 : float.NaN);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread(long* source, long* target, int count, int stride)
    {
        for (var i = 0; i < count; i++, target += stride)
            *target = source[i];
    }
}

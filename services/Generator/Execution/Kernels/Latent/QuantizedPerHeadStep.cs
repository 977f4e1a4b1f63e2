using System.Runtime.CompilerServices;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>The arguments of quantised linears per head as plain pointers, and the bodies of their loops.</summary>
internal unsafe struct QuantizedPerHeadStep
{
    private const int TileRowsMax = 8;

    /// <summary>The linear of the first head; the first field, so that a plan runs our units.</summary>
    public QuantizedLinearStep Linear;

    /// <summary>Body of a unit of one head's linear.</summary>
    public delegate*<QuantizedLinearStep*, nint, void> Run;

    public int TileRows;

    /// <summary>From a head's codes to those of the next.</summary>
    public long CodeBytes;

    /// <summary>The same of its scales and minima.</summary>
    public long HalfCount;

    /// <summary>Columns that a head has; the matrix has zeros for those behind them.</summary>
    public int Used;

    /// <summary>Floats from a head's first row to the next head's.</summary>
    public long InputStep;

    public long OutputStep;

    /// <summary>Rounds the rows of one head.</summary>
    public static void Quantize(void* argument, nint head)
    {
        var step = (QuantizedPerHeadStep*)argument;
        var linear = step->Linear;
        step->SetHead(&linear, (int)head);
        for (int row = 0, rows; row < linear.Rows; row += rows)
        {
            rows = QuantizedLinearStep.RowsOfTile(linear.Rows - row, step->TileRows);
            if (step->Used == linear.Inputs)
                ActivationQuantizer.QuantizeTile(&linear, row, rows);
            else
                step->QuantizePadded(linear, row, rows);
        }
    }

    /// <summary>Some outputs of one head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunUnit(QuantizedLinearStep* argument, nint unit)
    {
        var step = (QuantizedPerHeadStep*)argument;
        var linear = step->Linear;
        step->SetHead(&linear, (int)unit / linear.Units);
        step->Run(&linear, unit % linear.Units);
    }

    /// <summary>The same for heads that are narrower than what the layout takes: zeros behind them.</summary>
    private readonly void QuantizePadded(QuantizedLinearStep linear, int row, int rows)
    {
        var memory = new float[TileRowsMax * linear.Inputs];
        fixed (float* padded = memory)
        {
            for (var r = 0; r < rows; r++)
                new Span<float>(linear.InputRow(row + r), Used).CopyTo(memory.AsSpan(r * linear.Inputs));
            linear.Activations += (long)row * linear.Inputs;
            linear.Parameters += (long)row * linear.Groups * 2;
            linear.Input = padded;
            linear.InputStride = 0;
            ActivationQuantizer.QuantizeTile(&linear, 0, rows);
        }
    }

    private readonly void SetHead(QuantizedLinearStep* linear, int head)
    {
        linear->Codes += head * CodeBytes;
        linear->Halves += head * HalfCount;
        linear->Input += head * InputStep;
        linear->Output += head * OutputStep;
        linear->Activations += (long)head * linear->Rows * linear->Inputs;
        linear->Parameters += (long)head * linear->Rows * linear->Groups * 2;
    }
}

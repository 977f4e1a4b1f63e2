using System.Runtime.InteropServices;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// How a step is shared out: each worker has a run of neighbouring units, so that it reads one stretch of memory, and helps the others
/// when it is through. So all end together, even where a thread was woken late or lost its core for a while.
/// </summary>
internal unsafe struct QuantizedLinearPlan
{
    private const int WorkersMax = 64;

    /// <summary>Below this number of activations waking other threads to quantise them costs more than it saves.</summary>
    private const long QuantizeInlineMax = 64 * 1024;

    /// <summary>Below this number of multiply-adds the linear runs on the calling thread.</summary>
    private const long RunInlineMax = 256 * 1024;

    private readonly QuantizedLinearStep* _step;
    private readonly int _tileRows;
    private delegate*<QuantizedLinearStep*, nint, void> _run;
    private Ranges _ranges;

    public QuantizedLinearPlan(QuantizedLinearStep* step, QuantizedLinearKernel kernel)
    {
        _step = step;
        _tileRows = kernel.TileRows;
    }

    public readonly int TileCount => QuantizedLinearStep.Tiles(_step->Rows, _tileRows);

    public int WorkerCount { get; private set; }

    /// <summary>Quantises one tile; the argument is the plan.</summary>
    public readonly delegate*<void*, nint, void> Quantize => &QuantizeTile;

    /// <summary>Does one worker's share; the argument is the plan.</summary>
    public readonly delegate*<void*, nint, void> Multiply => &Work;

    /// <summary>Gives each worker a run of units.</summary>
    /// <param name="run">Body of a unit.</param>
    /// <param name="units">Number of units; at least one.</param>
    /// <param name="workers">At most so many.</param>
    public void Divide(delegate*<QuantizedLinearStep*, nint, void> run, int units, int workers)
    {
        _run = run;
        WorkerCount = Math.Clamp(workers, 1, Math.Min(units, WorkersMax));
        for (var i = 0; i < WorkerCount; i++)
        {
            _ranges[i].Next = (int)((long)units * i / WorkerCount);
            _ranges[i].End = (int)((long)units * (i + 1) / WorkerCount);
        }
    }

    /// <summary>Runs a whole step on the threads of a session, by the fastest kernel.</summary>
    public static void Run(void* context, QuantizedLinearStep* step)
    {
        if (step->Rows == 0)
            return;
        var activations = (long)step->Rows * step->Inputs;
        step->Activations = LinearScratch.Activations(activations);
        step->Parameters = LinearScratch.Parameters((long)step->Rows * step->Groups * 2);
        var kernel = QuantizedLinearKernel.Best;
        var plan = new QuantizedLinearPlan(step, kernel);
        ParallelLoop.Run(context, plan.Quantize, &plan, plan.TileCount, activations > QuantizeInlineMax);
        var parallel = activations * step->Outputs > RunInlineMax;
        plan.Divide(kernel.RunUnit, step->Units, parallel ? ProcessorTopology.PhysicalCores : 1);
        ParallelLoop.Run(context, plan.Multiply, &plan, plan.WorkerCount, parallel);
    }

    private static void QuantizeTile(void* argument, nint tile)
    {
        var plan = (QuantizedLinearPlan*)argument;
        var (row, rows) = plan->_step->Tile((int)tile, plan->_tileRows);
        ActivationQuantizer.QuantizeTile(plan->_step, row, rows);
    }

    private static void Work(void* argument, nint worker)
    {
        var plan = (QuantizedLinearPlan*)argument;
        for (var i = 0; i < plan->WorkerCount; i++)
        {
            ref var range = ref plan->_ranges[(int)((worker + i) % plan->WorkerCount)];
            for (int unit; (unit = Interlocked.Increment(ref range.Next) - 1) < range.End;)
                plan->_run(plan->_step, unit);
        }
    }

    /// <summary>One worker's run, on a cache line of its own.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Range
    {
        public int Next;
        public int End;
    }

    [System.Runtime.CompilerServices.InlineArray(WorkersMax)]
    private struct Ranges
    {
        private Range _first;
    }
}

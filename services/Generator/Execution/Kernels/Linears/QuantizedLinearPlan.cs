using System.Runtime.InteropServices;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Machine;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// How a step is shared out: each worker has a run of neighbouring units, so that it reads one stretch of memory, and helps the others
/// when it is through. So all end together, even where a thread was woken late or lost its core for a while.
/// </summary>
internal unsafe struct QuantizedLinearPlan
{
    private const int WorkersMax = 64;

    /// <summary>Below this number of activations waking other threads to quantise them costs more than it saves.</summary>
    public const long QuantizeInlineMax = 64 * 1024;

    /// <summary>Below this number of multiply-adds the linear runs on the calling thread.</summary>
    public const long RunInlineMax = 256 * 1024;

    private readonly QuantizedLinearStep* _step;
    private readonly int _tileRows;
    private delegate*<QuantizedLinearStep*, nint, void> _run;
    private Ranges _ranges;

    public QuantizedLinearPlan(QuantizedLinearStep* step, int tileRows)
    {
        _step = step;
        _tileRows = tileRows;
    }

    /// <summary>Workers of the pass at work.</summary>
    public int WorkerCount { get; private set; }

    /// <summary>Runs a whole step on the threads of a session, by the fastest kernel.</summary>
    /// <param name="context">Context of the node.</param>
    /// <param name="step">Its arguments.</param>
    /// <param name="adapters">What adapters may add to it; null for nothing.</param>
    public static void Run(void* context, QuantizedLinearStep* step, AdaptedNode? adapters)
    {
        if (step->Rows == 0)
            return;
        Reserve(step);
        var kernel = QuantizedLinearKernel.Best;
        var plan = new QuantizedLinearPlan(step, kernel.TileRows);
        AdapterStep adapterStep = default;
        if (adapters?.TryBegin(step->Rows, out adapterStep) == true)
            Reserve(step, &adapterStep);
        Quantize(context, &plan);
        if (step->Adapters is not null)
            AdapterDown.Run(context, step->Adapters);
        Multiply(context, &plan, kernel.RunUnit, step->Units, (long)step->Rows * step->Inputs * step->Outputs > RunInlineMax);
    }

    /// <summary>Gives a step the calling thread's scratch.</summary>
    public static void Reserve(QuantizedLinearStep* step)
    {
        step->Activations = LinearScratch.Activations((long)step->Rows * step->Inputs);
        step->Parameters = LinearScratch.Parameters((long)step->Rows * step->Groups * 2);
    }

    /// <summary>Gives what adapters add the calling thread's scratch, and its place in the step.</summary>
    public static void Reserve(QuantizedLinearStep* step, AdapterStep* adapters)
    {
        long places = adapters->PlaceCount;
        var products = places * adapters->Stride;
        var rows = step->NormWeight is null ? 0 : places * step->Inputs;
        var scratch = LinearScratch.Adapted(rows + products);
        adapters->Normalized = step->NormWeight is null ? null : scratch;
        adapters->Input = step->Input;
        adapters->Products = scratch + rows;
        step->Adapters = adapters;
    }

    /// <summary>Quantises all rows.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="plan">Of a step that has its scratch.</param>
    public static void Quantize(void* context, QuantizedLinearPlan* plan)
    {
        var step = plan->_step;
        var parallel = context is not null && (long)step->Rows * step->Inputs > QuantizeInlineMax;
        ParallelLoop.Run(context, &QuantizeTile, plan, QuantizedLinearStep.Tiles(step->Rows, plan->_tileRows), parallel);
    }

    /// <summary>Runs units, each worker a run of neighbours.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="plan">Of a step whose rows are quantised.</param>
    /// <param name="run">Body of a unit.</param>
    /// <param name="units">Number of units; at least one.</param>
    /// <param name="parallel">Whether the work is worth waking other threads.</param>
    public static void Multiply(
        void* context, QuantizedLinearPlan* plan, delegate*<QuantizedLinearStep*, nint, void> run, int units, bool parallel)
    {
        parallel &= context is not null;
        plan->Divide(run, units, parallel ? ProcessorTopology.PhysicalCores : 1);
        ParallelLoop.Run(context, &Work, plan, plan->WorkerCount, parallel);
    }

    private void Divide(delegate*<QuantizedLinearStep*, nint, void> run, int units, int workers)
    {
        _run = run;
        WorkerCount = Math.Clamp(workers, 1, Math.Min(units, WorkersMax));
        for (var i = 0; i < WorkerCount; i++)
        {
            _ranges[i].Next = (int)((long)units * i / WorkerCount);
            _ranges[i].End = (int)((long)units * (i + 1) / WorkerCount);
        }
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

using System.Diagnostics;
using Parley.Generator.Execution;
using Parley.PackageFormat;

namespace Parley.Cli.Bench.Stack;

/// <summary>
/// A runner lent to an engine, which must not dispose of it, with a clock on its steps: what an engine adds to them is its own time.
/// </summary>
internal sealed class LentRunner(IModelRunner runner) : IModelRunner
{
    private long _ticks;
    private long _steps;

    public ModelShape Shape => runner.Shape;

    public int BlockTokens => runner.BlockTokens;

    public int BlockCount => runner.BlockCount;

    public string Device => runner.Device;

    /// <summary>None: what drafts spare is no part of what a height adds to bare steps.</summary>
    public int FreeTokens => 1;

    /// <summary>Time within steps so far. From any thread.</summary>
    public TimeSpan Busy => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _ticks));

    /// <summary>Steps so far. From any thread.</summary>
    public long Steps => Interlocked.Read(ref _steps);

    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            return runner.Run(batch);
        }
        finally
        {
            Interlocked.Add(ref _ticks, Stopwatch.GetTimestamp() - started);
            Interlocked.Increment(ref _steps);
        }
    }

    public void CopyBlock(int source, int destination) => runner.CopyBlock(source, destination);

    public void Terminate() => runner.Terminate();

    public void Dispose()
    {
        // Whoever lent it disposes of it.
    }
}

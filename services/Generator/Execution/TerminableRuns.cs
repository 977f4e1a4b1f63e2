using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution;

/// <summary>
/// The options that all runs of a runner share, by which a run is ended from another thread: <see cref="Terminate"/> may come at any time,
/// also when the runner is gone.
/// </summary>
internal sealed class TerminableRuns : IDisposable
{
    private readonly Lock _lock = new();
    private bool _ended;

    public RunOptions Options { get; } = new();

    /// <summary>Refuses work for a runner that was disposed.</summary>
    /// <exception cref="ObjectDisposedException">It was.</exception>
    public void ThrowIfEnded(IModelRunner runner) => ObjectDisposedException.ThrowIf(_ended, runner);

    /// <summary>Makes a run end with an exception; from any thread.</summary>
    public void Terminate()
    {
        lock (_lock)
        {
            if (!_ended)
                Options.Terminate = true;
        }
    }

    /// <summary>From now on nothing is terminated, so that what runs need can be freed.</summary>
    /// <returns>False where that was so already.</returns>
    public bool TryEnd()
    {
        lock (_lock)
            return !_ended && (_ended = true);
    }

    /// <summary>Frees the options, behind all that runs were bound to.</summary>
    public void Dispose() => Options.Dispose();
}

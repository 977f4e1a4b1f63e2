using System.Collections.Concurrent;

namespace Parley.Gateway.KeptResponses;

/// <summary>Responses that are being written by this Gateway, so that another request of the same caller can cancel one.</summary>
internal sealed class RunningResponses
{
    private readonly ConcurrentDictionary<string, RunningResponse> _running = new(StringComparer.Ordinal);

    /// <summary>Notes one; dispose it when it is over.</summary>
    public RunningResponse Begin(string id, string owner, CancellationToken callerToken)
    {
        var running = new RunningResponse(owner, () => _running.TryRemove(id, out _), callerToken);
        _running[id] = running;
        return running;
    }

    /// <summary>One that runs, of its owner only.</summary>
    public RunningResponse? Find(string id, string owner) =>
        _running.TryGetValue(id, out var running) && running.Owner == owner ? running : null;
}

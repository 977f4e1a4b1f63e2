using Parley.Generator.Execution.Kernels.Adapters;

namespace Parley.Generator.Adapters;

/// <summary>A use of an adapter: its memory stays as long as somebody holds it, whatever becomes of its name.</summary>
internal sealed class AdapterHold(AdapterShelf shelf, ServedAdapter adapter) : IDisposable
{
    private int _released;

    public string Name => adapter.Name;

    public AdapterWeights Weights => adapter.Weights;

    /// <summary>Gives it back; a second time does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
            shelf.Release(adapter);
    }
}

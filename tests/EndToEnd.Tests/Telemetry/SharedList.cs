using System.Collections;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>Where an in-memory exporter adds on threads of its own while a test reads.</summary>
internal sealed class SharedList<T> : ICollection<T>
{
    private readonly Lock _lock = new();
    private readonly List<T> _items = [];

    public int Count => Snapshot().Count;

    public bool IsReadOnly => false;

    public IReadOnlyList<T> Snapshot()
    {
        lock (_lock)
            return [.. _items];
    }

    public void Add(T item)
    {
        lock (_lock)
            _items.Add(item);
    }

    public void Clear()
    {
        lock (_lock)
            _items.Clear();
    }

    public bool Contains(T item) => Snapshot().Contains(item);

    public void CopyTo(T[] array, int arrayIndex) => Snapshot().ToArray().CopyTo(array, arrayIndex);

    public bool Remove(T item) => throw new NotSupportedException();

    public IEnumerator<T> GetEnumerator() => Snapshot().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

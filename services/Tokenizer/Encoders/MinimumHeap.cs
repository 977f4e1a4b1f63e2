namespace Parley.Tokenizer.Encoders;

/// <summary>A binary heap of numbers, lowest first; cheaper than <see cref="PriorityQueue{TElement, TPriority}"/>.</summary>
internal sealed class MinimumHeap
{
    private ulong[] _items = new ulong[64];
    private int _count;

    /// <summary>How many numbers there is room for.</summary>
    public int Capacity => _items.Length;

    /// <summary>The lowest number, or the highest there is when the heap is empty.</summary>
    public ulong Lowest => _count > 0 ? _items[0] : ulong.MaxValue;

    public void Clear() => _count = 0;

    public void Push(ulong value)
    {
        if (_count == _items.Length)
            Array.Resize(ref _items, _count * 2);
        var index = _count++;
        while (index > 0 && _items[(index - 1) >> 1] > value)
        {
            _items[index] = _items[(index - 1) >> 1];
            index = (index - 1) >> 1;
        }

        _items[index] = value;
    }

    /// <summary>Takes the lowest number out.</summary>
    public void Pop()
    {
        var value = _items[--_count];
        var index = 0;
        for (var child = 1; child < _count; child = (2 * index) + 1)
        {
            if (child + 1 < _count && _items[child + 1] < _items[child])
                child++;
            if (value <= _items[child])
                break;
            _items[index] = _items[child];
            index = child;
        }

        _items[index] = value;
    }
}

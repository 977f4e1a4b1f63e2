using System.Runtime.CompilerServices;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Masks;

/// <summary>The states in which texts may be that have characters of the same kinds: few, and all live.</summary>
internal sealed class StateLayer<TState>
    where TState : LocalState
{
    /// <summary>More states than these are too many.</summary>
    public const int StatesMax = 16;

    private readonly TState[] _states = new TState[StatesMax];
    private int[] _next = [];

    /// <summary>The states.</summary>
    public ReadOnlySpan<TState> States => _states.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>The same for the same states in any order.</summary>
    public int Hash { get; private set; }

    /// <summary>Another layer of the same hash; −1 for none.</summary>
    public int Chain { get; set; }

    /// <summary>The layers behind a character, by its kind; 0 where that is not known yet.</summary>
    public Span<int> Next => _next;

    public void Clear(int kinds)
    {
        (Count, Hash, Chain) = (0, 0, -1);
        if (_next.Length < kinds)
            _next = new int[kinds];
        else
            Array.Clear(_next);
    }

    /// <summary>Adds a state; false where there are too many.</summary>
    public bool TryAdd(TState state)
    {
        if (States.Contains(state))
            return true;
        if (Count == StatesMax)
            return false;
        _states[Count++] = state;
        Hash ^= RuntimeHelpers.GetHashCode(state);
        return true;
    }

    public bool Equals(StateLayer<TState> other)
    {
        if (other.Count != Count)
            return false;
        foreach (var state in States)
        {
            if (!other.States.Contains(state))
                return false;
        }

        return true;
    }
}

using System.Runtime.CompilerServices;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// The layers of one walk by kinds of characters: the few states, all live, in which texts may be that have characters of the same kinds.
/// Each is made once. Their memory is the thread's and serves its next walk, whatever guide that is for.
/// </summary>
internal sealed class StateLayers<TState>
    where TState : LocalState
{
    /// <summary>No text can be ended behind a character of the kind.</summary>
    public const int Dead = -1;

    /// <summary>It depends on the character whether it can, or the states behind it are too many.</summary>
    public const int Split = -2;

    private const int LayersMax = 4_096;

    /// <summary>More states in a layer than these are too many.</summary>
    private const int StatesMax = 16;

    [ThreadStatic]
    private static StateLayers<TState>? _spare;

    private readonly Dictionary<int, int> _firstByHash = [];
    private (int First, int Count, int Hash, int Chain)[] _layers = new (int, int, int, int)[16];
    private TState[] _states = new TState[64];
    private int[] _next = [];
    private CharacterKinds _kinds = CharacterKinds.All[0];
    private Func<TState, CharacterKinds, byte[][]> _trialsOf = (_, _) => [];
    private Func<TState, byte, TState?> _step = (_, _) => null;
    private int _count;
    private int _stateCount;

    private StateLayers()
    {
    }

    /// <summary>Takes the thread's.</summary>
    /// <param name="trialsOf">The bytes by which a state is tried: see <see cref="CharacterKinds.Trials"/>.</param>
    /// <param name="step">The state behind one more byte, null where no text can be ended from it.</param>
    public static StateLayers<TState> Take(Func<TState, CharacterKinds, byte[][]> trialsOf, Func<TState, byte, TState?> step)
    {
        var layers = _spare ?? new StateLayers<TState>();
        _spare = null;
        (layers._trialsOf, layers._step) = (trialsOf, step);
        return layers;
    }

    /// <summary>Gives them back; they hold nothing of the guide any more.</summary>
    public void Release()
    {
        Array.Clear(_states, 0, _stateCount);
        (_trialsOf, _step, _stateCount, _count) = ((_, _) => [], (_, _) => null, 0, 0);
        _spare = this;
    }

    /// <summary>The states of a layer.</summary>
    public ReadOnlySpan<TState> StatesOf(int layer) => _states.AsSpan(_layers[layer].First, _layers[layer].Count);

    /// <summary>Begins a walk.</summary>
    /// <param name="from">Where texts begin.</param>
    /// <param name="kinds">The alphabet.</param>
    /// <returns>The layer of that state alone.</returns>
    public int Begin(TState from, CharacterKinds kinds)
    {
        Array.Clear(_states, 0, _stateCount);
        (_kinds, _count, _stateCount) = (kinds, 1, 0); // 0 stands for what is not known
        _firstByHash.Clear();
        New();
        TryAdd(from);
        return Keep();
    }

    /// <summary>The layer behind a character of a kind, or <see cref="Dead"/> or <see cref="Split"/>.</summary>
    public int Step(int layer, byte kind)
    {
        var known = _next[(layer * _kinds.Count) + kind];
        if (known == 0)
            _next[(layer * _kinds.Count) + kind] = known = StepAnew(layer, kind);
        return known;
    }

    private int StepAnew(int from, byte kind)
    {
        New();
        var (someLive, someDead) = (false, false);
        var (first, count) = (_layers[from].First, _layers[from].Count);
        for (var at = first; at < first + count; at++)
        {
            var trials = _trialsOf(_states[at], _kinds)[kind];
            if (trials.Length == 0)
                return Split;
            // Beyond ASCII the bytes are those of one character, else each is one.
            var length = CharacterKinds.IsBeyondAscii(kind) ? trials.Length : 1;
            for (var i = 0; i < trials.Length; i += length)
            {
                var next = Behind(_states[at], trials.AsSpan(i, length));
                var isLive = next is not null;
                someLive |= isLive;
                someDead |= !isLive;
                if ((someLive && someDead) || (isLive && !TryAdd(next!)))
                    return Split;
            }
        }

        return someLive ? Keep() : Dead;
    }

    private TState? Behind(TState from, ReadOnlySpan<byte> character)
    {
        TState? state = from;
        foreach (var part in character)
        {
            state = _step(state, part);
            if (state is null)
                return null;
        }

        return state;
    }

    /// <summary>Makes room for one more layer, which holds no state yet.</summary>
    private void New()
    {
        if (_count == _layers.Length)
            Array.Resize(ref _layers, _count * 2);
        if (_stateCount + StatesMax > _states.Length)
            Array.Resize(ref _states, _states.Length * 2);
        if (_next.Length < (_count + 1) * _kinds.Count)
            Array.Resize(ref _next, Math.Max(_next.Length * 2, (_count + 1) * _kinds.Count));
        _layers[_count] = (_stateCount, 0, 0, -1);
        Array.Clear(_next, _count * _kinds.Count, _kinds.Count);
    }

    /// <summary>Adds a state to the new layer, whose hash is the same for the same states in any order; false where there are too many.
    /// </summary>
    private bool TryAdd(TState state)
    {
        ref var layer = ref _layers[_count];
        if (StatesOf(_count).Contains(state))
            return true;
        if (layer.Count == StatesMax)
            return false;
        _states[layer.First + layer.Count++] = state;
        layer.Hash ^= RuntimeHelpers.GetHashCode(state);
        return true;
    }

    /// <summary>The number of the new layer, or that of an equal one.</summary>
    private int Keep()
    {
        ref var layer = ref _layers[_count];
        var first = _firstByHash.GetValueOrDefault(layer.Hash, -1);
        for (var other = first; other >= 0; other = _layers[other].Chain)
        {
            if (AreAlike(StatesOf(other), StatesOf(_count)))
                return other;
        }

        if (_count == LayersMax)
            return Split;
        layer.Chain = first;
        _firstByHash[layer.Hash] = _count;
        _stateCount += layer.Count;
        return _count++;
    }

    private static bool AreAlike(ReadOnlySpan<TState> left, ReadOnlySpan<TState> right)
    {
        if (left.Length != right.Length)
            return false;
        foreach (var state in left)
        {
            if (!right.Contains(state))
                return false;
        }

        return true;
    }
}

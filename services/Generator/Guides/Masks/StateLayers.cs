using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Masks;

/// <summary>The layers of one walk by kinds of characters, each made once; their memory serves the next walk too.</summary>
/// <param name="trialsOf">The bytes by which a state is tried: see <see cref="CharacterKinds.Trials"/>.</param>
/// <param name="step">The state behind one more byte, null where no text can be ended from it.</param>
internal sealed class StateLayers<TState>(Func<TState, CharacterKinds, byte[][]> trialsOf, Func<TState, byte, TState?> step)
    where TState : LocalState
{
    /// <summary>No text can be ended behind a character of the kind.</summary>
    public const int Dead = -1;

    /// <summary>It depends on the character whether it can, or the states behind it are too many.</summary>
    public const int Split = -2;

    private const int LayersMax = 4_096;

    private readonly List<StateLayer<TState>> _layers = [new()];
    private readonly Dictionary<int, int> _firstByHash = [];
    private CharacterKinds _kinds = CharacterKinds.All[0];
    private int _count;

    public StateLayer<TState> this[int layer] => _layers[layer];

    /// <summary>Begins a walk.</summary>
    /// <param name="from">Where texts begin.</param>
    /// <param name="kinds">The alphabet.</param>
    /// <returns>The layer of that state alone.</returns>
    public int Begin(TState from, CharacterKinds kinds)
    {
        (_kinds, _count) = (kinds, 1); // 0 stands for what is not known
        _firstByHash.Clear();
        var layer = New();
        layer.TryAdd(from);
        return Keep(layer);
    }

    /// <summary>The layer behind a character of a kind, or <see cref="Dead"/> or <see cref="Split"/>.</summary>
    public int Step(int layer, byte kind)
    {
        var known = _layers[layer].Next[kind];
        if (known == 0)
            _layers[layer].Next[kind] = known = StepAnew(_layers[layer], kind);
        return known;
    }

    private int StepAnew(StateLayer<TState> from, byte kind)
    {
        var after = New();
        var (someLive, someDead) = (false, false);
        foreach (var state in from.States)
        {
            var trials = trialsOf(state, _kinds)[kind];
            if (trials.Length == 0)
                return Split;
            for (var i = 0; i < trials.Length; i++)
            {
                TState? next = state;
                if (!CharacterKinds.IsBeyondAscii(kind))
                {
                    next = step(state, trials[i]);
                }
                else
                {
                    foreach (var part in trials)
                        next = next is null ? null : step(next, part);
                    i = trials.Length;
                }

                var isLive = next is not null;
                someLive |= isLive;
                someDead |= !isLive;
                if ((someLive && someDead) || (isLive && !after.TryAdd(next!)))
                    return Split;
            }
        }

        return someLive ? Keep(after) : Dead;
    }

    private StateLayer<TState> New()
    {
        if (_count == _layers.Count)
            _layers.Add(new StateLayer<TState>());
        _layers[_count].Clear(_kinds.Count);
        return _layers[_count];
    }

    /// <summary>The number of the layer, or that of an equal one.</summary>
    private int Keep(StateLayer<TState> layer)
    {
        var first = _firstByHash.GetValueOrDefault(layer.Hash, -1);
        for (var other = first; other >= 0; other = _layers[other].Chain)
        {
            if (_layers[other].Equals(layer))
                return other;
        }

        if (_count == LayersMax)
            return Split;
        layer.Chain = first;
        _firstByHash[layer.Hash] = _count;
        return _count++;
    }
}

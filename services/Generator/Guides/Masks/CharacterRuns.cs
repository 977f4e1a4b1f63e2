using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds out how many characters of a slice may follow a state within a string, whichever they are. A pattern that counts to a hundred has
/// a hundred states, but the few that a token can reach are looked at once here, and not for each token.
/// </summary>
internal sealed class CharacterRuns
{
    private const int LayerMax = 8;
    private readonly TextState[] _states = new TextState[TokenSlice.CharactersMax + 1];
    private readonly Stack<(TextState State, bool AfterE2, bool AfterE280)> _pending = [];
    private readonly HashSet<(TextState, bool, bool)> _seen = [];
    private List<TextState> _layer = [];
    private List<TextState> _next = [];
    private Func<TextState, bool> _isLive = _ => true;
    private bool _someLive;
    private bool _someDead;

    /// <summary>So many characters of the slice may follow, and no more (the most that a slice has: as many as one likes).</summary>
    public int Characters { get; private set; }

    /// <summary>Whether it only depends on their number whether the string may end behind them, and with which verdicts.</summary>
    public bool AreAlike { get; private set; }

    /// <summary>A state behind so many of them.</summary>
    public TextState Behind(int characters) => _states[characters];

    /// <summary>
    /// Whether any characters may follow, of any slice, since what is asked can be met later; how it ends is not looked at.
    /// </summary>
    public bool TryAny(TextState from)
    {
        (Characters, AreAlike) = (TokenSlice.CharactersMax, false);
        return from.Shape.NeverDies && !from.IsNumber && from.Syntax == StringSyntax.Between;
    }

    /// <summary>Whether all texts of so many characters of the slice are alike in being allowed or not; at least those of one.</summary>
    /// <param name="from">The state.</param>
    /// <param name="slice">The slice.</param>
    /// <param name="isLive">Whether the whole text can still be ended from a state.</param>
    /// <param name="onlyLoops">Whether only states count that are the same behind each character.</param>
    public bool TryRun(TextState from, TokenSlice slice, Func<TextState, bool> isLive, bool onlyLoops)
    {
        if (from.IsNumber || from.Syntax != StringSyntax.Between)
            return false;
        _isLive = isLive;
        _layer.Clear();
        _layer.Add(from);
        _states[0] = from;
        AreAlike = true;
        for (Characters = 0; Characters < TokenSlice.CharactersMax; Characters++)
        {
            StepAll(slice);
            if (_someDead)
                return !_someLive && Characters > 0;
            if (_next.Count > LayerMax)
                return false;
            _states[Characters + 1] = _next[0];
            AreAlike &= _next.TrueForAll(state => state.End() == _next[0].End());
            if (_next.Count == _layer.Count && _next.TrueForAll(_layer.Contains))
            {
                Array.Fill(_states, _next[0], Characters + 1, TokenSlice.CharactersMax - Characters);
                Characters = TokenSlice.CharactersMax;
                return true;
            }

            if (onlyLoops)
                return false;
            (_layer, _next) = (_next, _layer);
        }

        return true;
    }

    private bool IsMixed => _someDead && _someLive;

    private void StepAll(TokenSlice slice)
    {
        _next.Clear();
        (_someLive, _someDead) = (false, false);
        Span<bool> known = stackalloc bool[256];
        foreach (var state in _layer)
        {
            known.Clear();
            foreach (var next in slice.Ascii)
            {
                ref var isKnown = ref known[state.Shape.Classes[next]];
                if (!isKnown)
                    Reach(state.Next(next));
                isKnown = true;
                if (IsMixed)
                    return;
            }

            if (slice.IsForeign)
                StepForeign(state);
            if (IsMixed || _next.Count > LayerMax)
                return;
        }
    }

    private void Reach(TextState? state)
    {
        var isLive = state is not null && _isLive(state);
        _someLive |= isLive;
        _someDead |= !isLive;
        if (isLive && !_next.Contains(state!))
            _next.Add(state!);
    }

    /// <summary>
    /// Characters from 128 on, by the bytes that the shape tells apart, without the line and paragraph separator (E2 80 A8 and A9).
    /// </summary>
    private void StepForeign(TextState from)
    {
        _pending.Clear();
        _seen.Clear();
        _pending.Push((from, false, false));
        Span<bool> known = stackalloc bool[256];
        while (_pending.TryPop(out var at))
        {
            known.Clear();
            for (var value = 0x80; value < 0x100; value++)
            {
                ref var isKnown = ref known[at.State.Shape.Classes[value]];
                if (isKnown && value is not (0xE2 or 0x80 or (>= 0xA8 and <= 0xAA)))
                    continue;
                isKnown = true;
                if (StringSyntax.Step(at.State.Syntax, (byte)value) == StringSyntax.Fault || (at.AfterE280 && value is 0xA8 or 0xA9))
                    continue;
                if (at.State.Next((byte)value) is not { } after || after.Syntax == StringSyntax.Between)
                {
                    Reach(at.State.Next((byte)value));
                    if (IsMixed || _next.Count > LayerMax)
                        return;
                    continue;
                }

                var step = (after, at.State.Syntax == StringSyntax.Between && value == 0xE2, at.AfterE2 && value == 0x80);
                if (_seen.Add(step))
                    _pending.Push(step);
            }
        }
    }
}

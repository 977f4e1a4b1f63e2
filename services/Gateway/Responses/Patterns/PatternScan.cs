namespace Parley.Gateway.Responses.Patterns;

/// <summary>
/// The search for a pattern's first match in a text that comes in piece by piece: all ways at once, the preferred first, so that each
/// character is looked at once. A match is told when no preferred way can still become one, however the text goes on.
/// </summary>
/// <remarks>
/// The machine is that of Pike's text editor (R. Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009). At each place
/// <see cref="Close"/> follows what reads nothing; <see cref="Read"/> then moves all ways over one character.
/// </remarks>
internal sealed class PatternScan
{
    private readonly Pattern _pattern;
    private readonly bool _isAnchored;
    private readonly int[] _seen;
    private readonly Stack<(int Step, int[] Slots, int Start)> _stack = new();
    private readonly List<(int Step, int[] Slots, int Start)> _arrived = [];
    private readonly List<(int Step, int[] Slots, int Start)> _ready = [];
    private PatternMatch _match;
    private int _round;
    private int _from;
    private bool _isClosed;

    /// <param name="pattern">Without back references.</param>
    /// <param name="from">Where the first match may begin.</param>
    /// <param name="isAnchored">It may begin nowhere else.</param>
    public PatternScan(Pattern pattern, int from, bool isAnchored = false)
    {
        (_pattern, _isAnchored) = (pattern, isAnchored);
        _seen = new int[pattern.Steps.Length];
        Restart(from);
    }

    public Pattern Pattern => _pattern;

    /// <summary>The next character to be read.</summary>
    public int At { get; private set; }

    /// <summary>There is a match, which a preferred one may still replace.</summary>
    public bool HasMatched { get; private set; }

    /// <summary>Some way goes on.</summary>
    public bool IsAlive => _isClosed ? _ready.Count > 0 : _arrived.Count > 0 || (!HasMatched && (!_isAnchored || At == _from));

    /// <summary>The match that no more text can change; null while there is none.</summary>
    public PatternMatch? Settled => HasMatched && _isClosed && _ready.Count == 0 ? _match : null;

    /// <summary>Where the earliest match begins that may still come of what was read; behind that, <see cref="At"/>.</summary>
    public int HeldFrom
    {
        get
        {
            var waiting = _isClosed ? _ready : _arrived;
            if (waiting.Count > 0)
                return waiting[0].Start;
            return HasMatched ? _match.Start : At;
        }
    }

    /// <summary>A new search.</summary>
    public void Restart(int from)
    {
        (_from, At, HasMatched, _isClosed) = (from, from, false, false);
        _arrived.Clear();
        _ready.Clear();
    }

    /// <summary>Follows every way as far as it reads nothing.</summary>
    /// <param name="text">All that is there.</param>
    /// <param name="isWhole">Nothing more comes.</param>
    /// <param name="budget">What it costs.</param>
    /// <returns>False where that depends on text that is still to come: to be asked again.</returns>
    public bool Close(ReadOnlySpan<char> text, bool isWhole, PatternBudget budget)
    {
        if (_isClosed)
            return true;
        _ready.Clear();
        _round++;
        if (_arrived.Count == 0 && (HasMatched || (At < text.Length && CannotBegin(text))))
            return _isClosed = true;
        foreach (var (step, slots, start) in _arrived)
        {
            if (Follow(step, slots, start, text, isWhole, budget) is { } isOver)
                return isOver;
        }

        if (!HasMatched && (!_isAnchored || At == _from))
        {
            var slots = new int[_pattern.Slots];
            Array.Fill(slots, -1);
            if (Follow(0, slots, At, text, isWhole, budget) is { } isOver)
                return isOver;
        }

        return _isClosed = true;
    }

    /// <summary>Moves every way over the next character, which must be there.</summary>
    public void Read(ReadOnlySpan<char> text, PatternBudget budget)
    {
        var one = CodePoints.At(text, At, out var length);
        At += length;
        _isClosed = false;
        _arrived.Clear();
        if (_ready.Count == 0)
            return;
        budget.Spend(_ready.Count);
        foreach (var way in _ready)
        {
            if (_pattern.Steps[way.Step].Set!.Holds(one))
                _arrived.Add((way.Step + 1, way.Slots, way.Start));
        }

        _ready.Clear();
    }

    /// <summary>No more text comes: ways that wait for some end.</summary>
    public void End()
    {
        _ready.Clear();
        _arrived.Clear();
    }

    private bool CannotBegin(ReadOnlySpan<char> text) => _isAnchored && At != _from
        || (_pattern.First is { } first && !first.Holds(CodePoints.At(text, At, out _)));

    /// <summary>Null where less preferred ways are to be followed as well.</summary>
    private bool? Follow(int from, int[] slotsBefore, int start, ReadOnlySpan<char> text, bool isWhole, PatternBudget budget)
    {
        _stack.Clear();
        _stack.Push((from, slotsBefore, start));
        while (_stack.TryPop(out var way))
        {
            var (at, slots, _) = way;
            if (_seen[at] == _round)
                continue;
            _seen[at] = _round;
            budget.Spend(1);
            var step = _pattern.Steps[at];
            switch (step.Kind)
            {
                case PatternStepKind.One:
                    _ready.Add(way);
                    break;
                case PatternStepKind.Split:
                    _stack.Push((step.Other, slots, start));
                    _stack.Push((step.Next, slots, start));
                    break;
                case PatternStepKind.Jump:
                    _stack.Push((step.Next, slots, start));
                    break;
                case PatternStepKind.Save:
                    slots = [.. slots];
                    slots[step.Next] = At;
                    _stack.Push((at + 1, slots, start));
                    break;
                case PatternStepKind.Match:
                    (_match, HasMatched) = (new PatternMatch(start, At, slots), true);
                    return _isClosed = true;
                default:
                    var holds = step.Kind == PatternStepKind.Place
                        ? PatternPlaces.Is(step.Place, text, At, isWhole)
                        : PatternPlaces.Is(step.Look!, text, At, isWhole, budget);
                    if (holds is null)
                        return false;
                    if (holds.Value)
                        _stack.Push((at + 1, slots, start));
                    break;
            }
        }

        return null;
    }
}

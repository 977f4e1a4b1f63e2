namespace Parley.Gateway.Responses.Patterns;

/// <summary>Writes a pattern's tree as a program.</summary>
internal sealed class PatternCompiler
{
    private const int StepsMax = 20_000;
    private const int LookLengthMax = 256;

    private readonly string _text;
    private readonly List<PatternStep> _steps = [];
    private readonly Dictionary<int, int> _slotOfGroup = [];

    /// <param name="names">Groups whose text is wanted.</param>
    /// <param name="text">The pattern, for the words of a refusal.</param>
    public PatternCompiler(IReadOnlyDictionary<string, int> names, string text)
    {
        _text = text;
        foreach (var number in names.Values)
            _slotOfGroup.TryAdd(number, 2 * _slotOfGroup.Count);
    }

    public int Slots => 2 * _slotOfGroup.Count;

    public bool HasReferences { get; private set; }

    public int SlotOf(int group) => _slotOfGroup[group];

    /// <summary>The program, ended.</summary>
    public PatternStep[] Finish()
    {
        Write(new PatternStep(PatternStepKind.Match));
        return [.. _steps];
    }

    public void Add(PatternNode node)
    {
        KeepReferenced(node);
        Emit(node);
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.Empty:
                break;
            case PatternNode.One one:
                Write(new PatternStep(PatternStepKind.One) { Set = one.Set });
                break;
            case PatternNode.Sequence sequence:
                foreach (var part in sequence.Parts)
                    Emit(part);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice.Ways);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
            case PatternNode.Group group when _slotOfGroup.TryGetValue(group.Number, out var slot):
                Write(new PatternStep(PatternStepKind.Save, slot));
                Emit(group.Body);
                Write(new PatternStep(PatternStepKind.Save, slot + 1));
                break;
            case PatternNode.Group group:
                Emit(group.Body);
                break;
            case PatternNode.Reference reference:
                HasReferences = true;
                Write(new PatternStep(PatternStepKind.Reference, _slotOfGroup[reference.Number]));
                break;
            case PatternNode.Place place:
                Write(new PatternStep(PatternStepKind.Place) { Place = place.Kind });
                break;
            case PatternNode.Look look:
                EmitLook(look);
                break;
        }
    }

    private void EmitChoice(IReadOnlyList<PatternNode> ways)
    {
        var jumps = new List<int>();
        for (var index = 0; index < ways.Count; index++)
        {
            if (index == ways.Count - 1)
            {
                Emit(ways[index]);
                continue;
            }

            var split = Write(default);
            Emit(ways[index]);
            jumps.Add(Write(default));
            _steps[split] = new PatternStep(PatternStepKind.Split, split + 1, _steps.Count);
        }

        foreach (var jump in jumps)
            _steps[jump] = new PatternStep(PatternStepKind.Jump, _steps.Count);
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        for (var count = 0; count < repeat.Least; count++)
            Emit(repeat.Body);
        if (repeat.Most is null)
        {
            var loop = Write(default);
            Emit(repeat.Body);
            Write(new PatternStep(PatternStepKind.Jump, loop));
            _steps[loop] = Split(loop, repeat.IsLazy);
            return;
        }

        var splits = new List<int>();
        for (var count = repeat.Least; count < repeat.Most; count++)
        {
            splits.Add(Write(default));
            Emit(repeat.Body);
        }

        foreach (var split in splits)
            _steps[split] = Split(split, repeat.IsLazy);
    }

    /// <summary>Into the body behind a step, or past everything written so far.</summary>
    private PatternStep Split(int at, bool isLazy) => isLazy
        ? new PatternStep(PatternStepKind.Split, _steps.Count, at + 1)
        : new PatternStep(PatternStepKind.Split, at + 1, _steps.Count);

    private void EmitLook(PatternNode.Look look)
    {
        if (Holds<PatternNode.Group>(look.Body, group => _slotOfGroup.ContainsKey(group.Number)))
            throw Fault("named groups in a look ahead or behind are not supported");
        if (Holds<PatternNode.Reference>(look.Body, _ => true))
            throw Fault("back references in a look ahead or behind are not supported");
        if (LengthMax(look.Body) is not { } length || length > LookLengthMax)
            throw Fault($"a look ahead or behind reads at most {LookLengthMax} characters");
        var inner = Pattern.Compile(look.Body, new Dictionary<string, int>(), _text);
        Write(new PatternStep(PatternStepKind.Look) { Look = new PatternLook(inner, length, look.IsAhead, look.IsNegative) });
    }

    /// <summary>Code points that a node reads at most; null where there is no bound.</summary>
    private static int? LengthMax(PatternNode node) => node switch
    {
        PatternNode.One => 1,
        PatternNode.Sequence sequence => sequence.Parts.Aggregate((int?)0, (sum, part) => sum + LengthMax(part)),
        PatternNode.Choice choice => choice.Ways.Aggregate((int?)0, (most, way) =>
            LengthMax(way) is { } length && most is { } before ? Math.Max(before, length) : null),
        PatternNode.Repeat { Most: { } most } repeat => most * LengthMax(repeat.Body),
        PatternNode.Repeat => null,
        PatternNode.Group group => LengthMax(group.Body),
        _ => 0,
    };

    private void KeepReferenced(PatternNode root) => Holds<PatternNode.Reference>(root, reference =>
    {
        _slotOfGroup.TryAdd(reference.Number, 2 * _slotOfGroup.Count);
        return false;
    });

    private static bool Holds<T>(PatternNode node, Func<T, bool> isWanted)
        where T : PatternNode
    {
        if (node is T found && isWanted(found))
            return true;
        return node switch
        {
            PatternNode.Sequence sequence => sequence.Parts.Any(part => Holds(part, isWanted)),
            PatternNode.Choice choice => choice.Ways.Any(way => Holds(way, isWanted)),
            PatternNode.Repeat repeat => Holds(repeat.Body, isWanted),
            PatternNode.Group group => Holds(group.Body, isWanted),
            PatternNode.Look look => Holds(look.Body, isWanted),
            _ => false,
        };
    }

    private int Write(PatternStep step)
    {
        if (_steps.Count >= StepsMax)
            throw Fault($"it has more than {StepsMax} steps");
        _steps.Add(step);
        return _steps.Count - 1;
    }

    private PatternException Fault(string what) => new($"the pattern '{_text}' cannot be used: {what}");
}

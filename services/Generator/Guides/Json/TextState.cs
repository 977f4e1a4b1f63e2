using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Json;

/// <summary>Within a string or a number.</summary>
internal sealed class TextState : JsonState
{
    private readonly TextTable _table;
    private readonly int[] _states;
    private TextState?[]? _next;
    private Outcomes? _end;
    private bool _endKnown;

    public TextState(TextTable table, TextShape shape, byte syntax, int[] states) =>
        (_table, Shape, Syntax, _states) = (table, shape, syntax, states);

    public TextShape Shape { get; }

    /// <summary>State of <see cref="StringSyntax"/> or <see cref="NumberSyntax"/>.</summary>
    public byte Syntax { get; }

    /// <summary>States of the shape's automata.</summary>
    public ReadOnlySpan<int> States => _states;

    public bool IsNumber => Shape.Kind == TextKind.Number;

    /// <summary>True between two characters of a string of which nothing more is asked.</summary>
    public bool IsFree => Syntax == StringSyntax.Between && Shape.Atoms.Length == 0 && !IsNumber;

    /// <summary>
    /// The state between two characters of a string that meets nothing of what may still be met, and of which nothing more is asked; null
    /// where
    /// there is none.
    /// </summary>
    public TextState? Free => _table.Free(Shape);

    /// <summary>The verdicts of a text that meets the one condition that anything hangs on; null where there are several, or where it must
    /// not.</summary>
    public Outcomes? IfMet => _table.IfMet(Shape);

    /// <summary>
    /// The state without the bounds on its length that so many more characters can't reach; null when there are none. Their part in what
    /// may follow
    /// is nothing.
    /// </summary>
    public TextState? WithoutLengths(int characters) => _table.WithoutLengths(this, characters);

    /// <summary>The state behind one more byte; null when there is none.</summary>
    public TextState? Next(byte next)
    {
        ref var known = ref (_next ??= new TextState?[Shape.Representatives.Length])[Shape.Classes[next]];
        known ??= _table.Step(this, next) ?? _table.None;
        return known == _table.None ? null : known;
    }

    /// <summary>The walk over the vocabulary that has last found out <see cref="IsLiveInWalk"/>.</summary>
    public object? Walk { get; set; }

    /// <summary>Whether the whole text could still be ended from this state, where that walk met it.</summary>
    public bool IsLiveInWalk { get; set; }

    /// <summary>The verdicts if the text ends here; null when it may not.</summary>
    public Outcomes? End()
    {
        if (!_endKnown)
            (_end, _endKnown) = (_table.End(this), true);
        return _end;
    }
}

using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Json;

/// <summary>Within a string or a number.</summary>
internal sealed class TextState : JsonState
{
    /// <summary>Stands for no state, where it is known that there is none.</summary>
    private const int None = -2;

    private readonly TextTable _table;
    private readonly int[] _states;
    private readonly int _row;
    private Outcomes? _end;
    private bool _endKnown;

    /// <summary>Makes a state.</summary>
    /// <param name="table">Where it belongs.</param>
    /// <param name="shape">What is asked.</param>
    /// <param name="states">The state of the syntax, then those of the shape's automata.</param>
    /// <param name="row">The state's number in the shape.</param>
    public TextState(TextTable table, TextShape shape, int[] states, int row)
    {
        (_table, Shape, _states, _row) = (table, shape, states, row);
        Number = table.Number(this);
    }

    public TextShape Shape { get; }

    /// <summary>State of <see cref="StringSyntax"/> or <see cref="NumberSyntax"/>.</summary>
    public byte Syntax => (byte)_states[0];

    /// <summary>The state's number among all of the table.</summary>
    public int Number { get; }

    /// <summary>States of the shape's automata.</summary>
    public ReadOnlySpan<int> States => _states.AsSpan(1);

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
        // The table stands in a few arrays of numbers: states that name each other would be the most of what the collector looks through.
        ref var known = ref Shape.Steps.At(_row, Shape.Classes[next]);
        if (known == StepTable.Unknown)
            known = _table.Step(this, next)?.Number ?? None;
        return known == None ? null : _table[known];
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

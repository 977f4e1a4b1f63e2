namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// Which rows of a step belong to which sequence, and between which slots their states go: the part that all operators with states have
/// alike.
/// </summary>
internal unsafe struct RecurrentStep
{
    /// <summary>Running sum of new rows [sequences + 1].</summary>
    public int* CumulativeLengths;

    /// <summary>Slot that each sequence begins from [sequences]; −1 for a state of zeros.</summary>
    public int* StateIn;

    /// <summary>Slot that the state behind each row goes to [rows]; −1 for none. It may be the one that the sequence began from.</summary>
    public int* StateOut;

    /// <summary>States of all slots [slots, elements].</summary>
    public float* States;

    public int SequenceCount;

    public int RowCount;

    public int SlotCount;

    /// <summary>Numbers of one state.</summary>
    public long StateElements;

    /// <summary>A slot's state.</summary>
    public readonly float* State(int slot) => States + (slot * StateElements);

    /// <summary>Fetches and checks four inputs of a call: states, running sums, slots in, slots out.</summary>
    /// <param name="context">Context of the node.</param>
    /// <param name="firstInput">Index of the states; the others follow.</param>
    /// <param name="rows">Rows that the other inputs have.</param>
    /// <param name="elements">Numbers that a state must have.</param>
    /// <exception cref="InvalidDataException">A shape, a length or a slot is wrong; nothing was written.</exception>
    public static RecurrentStep Bind(void* context, int firstInput, long rows, long elements)
    {
        var shape = stackalloc long[2];
        RecurrentStep step = default;
        step.States = (float*)OrtCustomOpApi.GetInput(context, firstInput, new Span<long>(shape, 2));
        if (shape[1] != elements)
            throw new InvalidDataException($"states have {shape[1]} numbers, not {elements}");
        step.SlotCount = checked((int)shape[0]);
        step.StateElements = elements;
        step.CumulativeLengths = (int*)OrtCustomOpApi.GetInput(context, firstInput + 1, new Span<long>(shape, 1));
        step.SequenceCount = checked((int)shape[0] - 1);
        step.StateIn = (int*)OrtCustomOpApi.GetInput(context, firstInput + 2, new Span<long>(shape, 1));
        if (step.SequenceCount < 0 || shape[0] != step.SequenceCount)
            throw new InvalidDataException($"state_in has {shape[0]} entries, cumulative_sequence_length {step.SequenceCount + 1}");
        step.StateOut = (int*)OrtCustomOpApi.GetInput(context, firstInput + 3, new Span<long>(shape, 1));
        step.RowCount = checked((int)rows);
        if (shape[0] != rows)
            throw new InvalidDataException($"state_out has {shape[0]} entries for {rows} rows");
        return step.FindFault() is { } fault ? throw new InvalidDataException(fault) : step;
    }

    /// <summary>What is wrong with lengths and slots; null for nothing.</summary>
    public readonly string? FindFault()
    {
        if (CumulativeLengths[0] != 0 || CumulativeLengths[SequenceCount] != RowCount)
            return $"cumulative_sequence_length goes from {CumulativeLengths[0]} to {CumulativeLengths[SequenceCount]}, not 0 to {RowCount}";
        for (var i = 0; i < SequenceCount; i++)
        {
            if (CumulativeLengths[i + 1] < CumulativeLengths[i])
                return $"cumulative_sequence_length falls behind sequence {i}";
            if (StateIn[i] < -1 || StateIn[i] >= SlotCount)
                return $"state_in of sequence {i} is {StateIn[i]}, there are {SlotCount} slots";
        }

        for (var row = 0; row < RowCount; row++)
        {
            if (StateOut[row] < -1 || StateOut[row] >= SlotCount)
                return $"state_out of row {row} is {StateOut[row]}, there are {SlotCount} slots";
        }

        return null;
    }
}

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// The rows of a step and where their states lie. Tokens of all sequences lie one after another; sequence i owns the rows
/// [<see cref="CumulativeLengths"/>[i], [i + 1]).
/// </summary>
internal unsafe struct RecurrentRows
{
    /// <summary>Running sum of rows [sequences + 1].</summary>
    public int* CumulativeLengths;

    /// <summary>The slot that a sequence goes on from [sequences]; −1 for zeros. It is only read, unless a row names it, too.</summary>
    public int* StateIn;

    /// <summary>The slot that takes the state behind a row [rows]; −1 for none.</summary>
    public int* StateOut;

    /// <summary>The layer's states [slots, <see cref="SlotFloats"/>].</summary>
    public float* Slots;

    public long SlotFloats;
    public int SlotCount;
    public int SequenceCount;
    public int RowCount;

    /// <summary>What is wrong with the arguments, or null. Checked before a byte is written: a wrong slot would corrupt memory.</summary>
    public readonly string? FindFault()
    {
        var (begin, end) = (CumulativeLengths[0], CumulativeLengths[SequenceCount]);
        if (begin != 0 || end != RowCount)
            return $"cumulative_sequence_length runs from {begin} to {end}, not from 0 to {RowCount}";
        for (var i = 0; i < SequenceCount; i++)
        {
            if (CumulativeLengths[i + 1] < CumulativeLengths[i])
                return $"cumulative_sequence_length descends at sequence {i}";
            if (StateIn[i] < -1 || StateIn[i] >= SlotCount)
                return $"state_in of sequence {i} is {StateIn[i]}, there are {SlotCount} slots";
        }

        for (var i = 0; i < RowCount; i++)
        {
            if (StateOut[i] < -1 || StateOut[i] >= SlotCount)
                return $"state_out of row {i} is {StateOut[i]}, there are {SlotCount} slots";
        }

        return null;
    }

    /// <summary>A part of a slot; null for slot −1.</summary>
    public readonly float* Slot(int slot, long offset) => slot < 0 ? null : Slots + (slot * SlotFloats) + offset;
}

namespace Parley.Generator.States;

/// <summary>What a sequence holds of a <see cref="StatePool"/>, where the model has states.</summary>
internal sealed class SequenceStates
{
    /// <summary>Slot with the state behind its cached tokens; −1 for none. Others may hold it, too: then it is only read.</summary>
    public int Slot { get; set; } = StatePool.None;

    /// <summary>What the step that is planned or runs saves, by length; empty between two steps.</summary>
    public List<SavedState> Saved { get; } = [];

    /// <summary>Lengths at which others wait for a snapshot.</summary>
    public List<int> Awaited { get; } = [];

    /// <summary>
    /// Where what others have in the cache goes apart from this sequence, or ends; 0 for nowhere. A snapshot there serves whoever comes.
    /// </summary>
    public int BranchLength { get; set; }

    /// <summary>The last two snapshots within its answer, the older first: with each new one the oldest has served.</summary>
    public ((int Block, int Slot) Older, (int Block, int Slot) Newer) Trail { get; set; } = (NoSnapshot, NoSnapshot);

    /// <summary>Blocks that it has given a snapshot, each with the slot of then.</summary>
    public List<(int Block, int Slot)> Kept { get; } = [];

    /// <summary>In <see cref="Trail"/>: none.</summary>
    public static (int Block, int Slot) NoSnapshot => (StatePool.None, StatePool.None);
}

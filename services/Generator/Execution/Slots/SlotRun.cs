namespace Parley.Generator.Execution.Slots;

/// <summary>
/// What GroupQueryAttention takes at once: one new token of each of some neighbouring slots, or several tokens of one slot.
/// </summary>
/// <param name="FirstSlot">The first slot.</param>
/// <param name="Slots">Slots; 1 where there are several tokens.</param>
/// <param name="TokensEach">New tokens of each.</param>
/// <param name="LogitRows">Rows of logits that somebody wants; may be none.</param>
internal readonly record struct SlotRun(int FirstSlot, int Slots, int TokensEach, int LogitRows)
{
    public int Tokens => Slots * TokensEach;

    /// <summary>Rows of logits that are computed: operators over no rows are best avoided.</summary>
    public int BoundLogitRows => Math.Max(LogitRows, 1);
}

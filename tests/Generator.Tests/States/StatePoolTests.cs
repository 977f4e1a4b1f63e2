using Parley.Generator.States;

namespace Parley.Generator.Tests.States;

public sealed class StatePoolTests
{
    [Fact]
    public void TryTake_AllInUse_TakesTheSnapshotThatWasUsedLongestAgo()
    {
        var pool = new StatePool(3, 8);
        for (var block = 0; block < 3; block++)
            Keep(pool, block);
        Assert.Equal(3, pool.SnapshotCount);

        Assert.True(pool.TryTake(out var slot));

        Assert.False(pool.HasSnapshot(0));
        Assert.True(pool.HasSnapshot(1) && pool.HasSnapshot(2));
        Assert.Equal(1, pool.References(slot));
        AssertBooks(pool, slot);
    }

    /// <summary>Many new ones do not push out the one that chats begin with; but not all slots are for such.</summary>
    [Fact]
    public void TryTake_ASharedSnapshot_OutlivesNewerOnes()
    {
        var pool = new StatePool(4, 32);
        Keep(pool, 0);
        pool.Release(pool.TakeSnapshot(0));
        for (var block = 1; block < 20; block++)
            Keep(pool, block);
        Assert.True(pool.HasSnapshot(0));

        foreach (var block in new[] { 17, 18, 19 })
            pool.Release(pool.TakeSnapshot(block));
        Keep(pool, 20);
        Assert.False(pool.HasSnapshot(0));
        AssertBooks(pool);
    }

    [Fact]
    public void TryTake_SnapshotsThatSequencesHold_StayWhereTheyAre()
    {
        var pool = new StatePool(2, 4);
        Keep(pool, 0);
        Keep(pool, 1);
        var (one, two) = (pool.TakeSnapshot(0), pool.TakeSnapshot(1));

        Assert.False(pool.TryTake(out _));
        Assert.True(pool.TryOwn(one));
        Assert.True(pool.IsExclusive(one));
        Assert.False(pool.HasSnapshot(0));
        AssertBooks(pool, one, two);
    }

    [Fact]
    public void Detach_ABlockThatIsTakenAway_FreesItsSnapshot()
    {
        var pool = new StatePool(2, 4);
        Keep(pool, 3);
        pool.Detach(3);
        pool.Detach(3);

        Assert.Equal((2, 0), (pool.FreeCount, pool.SnapshotCount));
        AssertBooks(pool);
    }

    [Fact]
    public void Settle_AStateThatWasNotSaved_Throws()
    {
        var pool = new StatePool(2, 4);
        var states = new SequenceStates();
        Assert.True(pool.TryTake(out var slot));
        states.Saved.Add(new SavedState(5, slot, IsSnapshot: false));

        Assert.Throws<InvalidOperationException>(() => pool.Settle(states, 6));
        pool.Settle(states, 5);

        Assert.Equal(slot, states.Slot);
        AssertBooks(pool, slot);
        pool.Release(states);
        Assert.Throws<InvalidOperationException>(() => pool.Release(slot));
        AssertBooks(pool);
    }

    private static void Keep(StatePool pool, int block)
    {
        Assert.True(pool.TryTake(out var slot));
        Assert.True(pool.Attach(block, slot));
        pool.Release(slot);
    }

    private static void AssertBooks(StatePool pool, params ReadOnlySpan<int> held)
    {
        var counts = new int[pool.SlotCount];
        foreach (var slot in held)
            counts[slot]++;
        var violations = new List<string>();
        pool.Validate(counts, _ => true, violations);
        Assert.Empty(violations);
    }
}

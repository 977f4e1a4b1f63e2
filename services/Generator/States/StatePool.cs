namespace Parley.Generator.States;

/// <summary>
/// Who uses which slot of states. The memory itself is the runner's; this is its bookkeeping: reference counts, and snapshots, which are
/// slots that belong to a block of the cache: the state behind its last token. A snapshot that no sequence holds gives way when a slot is
/// wanted.
/// </summary>
/// <remarks>
/// A sequence writes into a slot that nobody else holds, so a snapshot stays as it was. Each running sequence holds one slot at most, hence
/// with as many slots as may run, one that shares its slot always finds another sooner or later.
/// </remarks>
internal sealed class StatePool
{
    /// <summary>No slot, or no block.</summary>
    public const int None = -1;

    private const int SealedAtOnce = 2;

    private readonly int[] _references;
    private readonly int[] _blockOf;
    private readonly long[] _lastUse;
    private readonly bool[] _isShared;
    private readonly ulong?[] _seals;
    private readonly Func<int, ulong>? _checksum;
    private readonly int[] _slotOf;
    private readonly Stack<int> _free;
    private long _clock;

    /// <param name="slotCount">Slots; they are 0 to this number − 1.</param>
    /// <param name="blockCount">Blocks of the cache.</param>
    /// <param name="checksum">Of what a slot holds; null where snapshots are taken on trust.</param>
    public StatePool(int slotCount, int blockCount, Func<int, ulong>? checksum = null)
    {
        _checksum = checksum;
        _seals = new ulong?[slotCount];
        _references = new int[slotCount];
        _blockOf = new int[slotCount];
        _lastUse = new long[slotCount];
        _isShared = new bool[slotCount];
        _slotOf = new int[blockCount];
        _blockOf.AsSpan().Fill(None);
        _slotOf.AsSpan().Fill(None);
        _free = new Stack<int>(Enumerable.Range(0, slotCount).Reverse());
    }

    public int SlotCount => _references.Length;

    /// <summary>Slots that nobody holds and no block has.</summary>
    public int FreeCount => _free.Count;

    /// <summary>Slots that belong to a block.</summary>
    public int SnapshotCount { get; private set; }

    /// <summary>How often a sequence began from a snapshot.</summary>
    public long SnapshotsTaken { get; private set; }

    /// <summary>How many snapshots were not what they had been, and were dropped.</summary>
    public long SnapshotsBroken { get; private set; }

    /// <summary>How many snapshots gave way.</summary>
    public long SnapshotsEvicted { get; private set; }

    public int References(int slot) => _references[slot];

    /// <summary>Takes a slot that is free, or that of the snapshot that is worth least.</summary>
    /// <returns>False when all are in use.</returns>
    public bool TryTake(out int slot)
    {
        if (_free.Count == 0 && !TryEvict())
        {
            slot = None;
            return false;
        }

        slot = _free.Pop();
        _references[slot] = 1;
        return true;
    }

    public void AddReference(int slot) => _references[slot]++;

    /// <summary>Gives a reference back.</summary>
    public void Release(int slot)
    {
        if (_references[slot] <= 0)
            throw new InvalidOperationException($"Slot {slot} has no reference to give back.");
        if (--_references[slot] == 0)
            _free.Push(slot);
    }

    /// <summary>Whether one holder has a slot for itself.</summary>
    public bool IsExclusive(int slot) => _references[slot] == 1;

    /// <summary>Makes a slot its one holder's own, where beside it only the block holds it: the snapshot is lost.</summary>
    public bool TryOwn(int slot)
    {
        if (_references[slot] != 2 || _blockOf[slot] == None)
            return false;
        SnapshotsEvicted++;
        Detach(_blockOf[slot]);
        return true;
    }

    public bool HasSnapshot(int block) => _slotOf[block] != None;

    /// <summary>Whether a block's snapshot is what it was when it was sealed; one that is not is dropped.</summary>
    public bool IsWhole(int block)
    {
        var slot = _slotOf[block];
        if (_seals[slot] is not { } seal || seal == _checksum!(slot))
            return true;
        SnapshotsBroken++;
        Detach(block);
        return false;
    }

    /// <summary>Takes a reference to a block's snapshot.</summary>
    public int TakeSnapshot(int block)
    {
        var slot = _slotOf[block];
        Seal(slot);
        _references[slot]++;
        _lastUse[slot] = ++_clock;
        _isShared[slot] = true;
        SnapshotsTaken++;
        return slot;
    }

    /// <summary>Makes a slot the snapshot of a block that has none.</summary>
    /// <param name="block">The block.</param>
    /// <param name="slot">The state behind its last token.</param>
    /// <param name="isShared">Several prompts are known to have it, so it counts as one from which somebody has begun.</param>
    /// <returns>Whether it had none.</returns>
    public bool Attach(int block, int slot, bool isShared = false)
    {
        if (_slotOf[block] != None || _blockOf[slot] != None)
            return false;
        _references[slot]++;
        _slotOf[block] = slot;
        _blockOf[slot] = block;
        _seals[slot] = null;
        _lastUse[slot] = ++_clock;
        _isShared[slot] = isShared;
        SnapshotCount++;
        return true;
    }

    /// <summary>Takes a block's snapshot off it, if it has one.</summary>
    public void Detach(int block)
    {
        var slot = _slotOf[block];
        if (slot == None)
            return;
        _slotOf[block] = None;
        _blockOf[slot] = None;
        SnapshotCount--;
        Release(slot);
    }

    /// <summary>Takes this snapshot off its block, if it is still there.</summary>
    public void Detach((int Block, int Slot) snapshot)
    {
        if (snapshot.Block != None && _slotOf[snapshot.Block] == snapshot.Slot)
            Detach(snapshot.Block);
    }

    /// <summary>Takes a snapshot off its block unless somebody has begun from it.</summary>
    public void DetachUnshared((int Block, int Slot) snapshot)
    {
        if (snapshot.Slot != None && !_isShared[snapshot.Slot])
            Detach(snapshot);
    }

    /// <summary>
    /// After a step: the state behind so many tokens is the sequence's own now, and whatever else it saved is given back.
    /// </summary>
    /// <exception cref="InvalidOperationException">The step has saved no such state.</exception>
    public void Settle(SequenceStates states, int length)
    {
        if (states.Saved.Count == 0)
            return;
        var at = states.Saved.FindIndex(saved => saved.Length == length);
        if (at < 0)
            throw new InvalidOperationException($"No state was saved behind {length} tokens.");
        Hold(states, states.Saved[at].Slot);
        Cut(states, 0);
    }

    /// <summary>Makes a slot the one that a sequence goes on from.</summary>
    public void Hold(SequenceStates states, int slot)
    {
        _references[slot]++;
        if (states.Slot != None)
            Release(states.Slot);
        states.Slot = slot;
    }

    /// <summary>Gives back what a step would save behind more than so many tokens.</summary>
    public void Cut(SequenceStates states, int length)
    {
        for (var i = states.Saved.Count - 1; i >= 0; i--)
        {
            if (states.Saved[i].Length <= length)
                continue;
            Release(states.Saved[i].Slot);
            states.Saved.RemoveAt(i);
        }
    }

    /// <summary>
    /// Gives back all that a sequence holds. The last snapshots that it leaves, from which the next turn begins, are sealed: from now on
    /// they may lie for hours. Not all of them, since a checksum reads megabytes between two steps; the others are sealed when they are
    /// used.
    /// </summary>
    public void Release(SequenceStates states)
    {
        foreach (var (block, slot) in states.Kept.TakeLast(SealedAtOnce))
        {
            if (_slotOf[block] == slot)
                Seal(slot);
        }

        Cut(states, 0);
        if (states.Slot != None)
            Release(states.Slot);
        states.Slot = None;
        states.BranchLength = 0;
        states.Awaited.Clear();
        states.Kept.Clear();
        states.Trail = (SequenceStates.NoSnapshot, SequenceStates.NoSnapshot);
    }

    /// <summary>Adds what is wrong with the books to <paramref name="violations"/>.</summary>
    /// <param name="held">How many sequences hold each slot.</param>
    /// <param name="isKnown">Whether a block's content can be found.</param>
    /// <param name="violations">Grows.</param>
    public void Validate(ReadOnlySpan<int> held, Func<int, bool> isKnown, List<string> violations)
    {
        var (snapshots, unused) = (0, 0);
        for (var slot = 0; slot < SlotCount; slot++)
        {
            var block = _blockOf[slot];
            snapshots += block == None ? 0 : 1;
            unused += _references[slot] == 0 ? 1 : 0;
            if (_references[slot] != held[slot] + (block == None ? 0 : 1))
            {
                violations.Add($"State slot {slot} has {_references[slot]} references, {held[slot]} sequences hold it"
                    + (block == None ? "." : $", and block {block} does."));
            }

            if (block != None && (_slotOf[block] != slot || !isKnown(block)))
                violations.Add($"State slot {slot} is the snapshot of block {block}, which has slot {_slotOf[block]} or no known content.");
        }

        if (snapshots != SnapshotCount || _slotOf.AsSpan().Count(None) != _slotOf.Length - snapshots)
            violations.Add($"{snapshots} slots are snapshots, {SnapshotCount} are counted.");
        if (unused != FreeCount || _free.Distinct().Count() != FreeCount)
            violations.Add($"{unused} state slots have no reference, {FreeCount} are free.");
    }

    private void Seal(int slot) => _seals[slot] ??= _checksum?.Invoke(slot);

    /// <summary>
    /// The oldest of those from which nobody has begun gives way first, for as long as those are not the smaller part: a long answer leaves
    /// many behind, and what many chats begin with is worth more.
    /// </summary>
    private bool TryEvict()
    {
        var (oldest, oldestShared, shared) = (None, None, 0);
        for (var slot = 0; slot < SlotCount; slot++)
        {
            if (_blockOf[slot] == None)
                continue;
            shared += _isShared[slot] ? 1 : 0;
            if (_references[slot] != 1)
                continue;
            ref var candidate = ref oldest;
            if (_isShared[slot])
                candidate = ref oldestShared;
            if (candidate == None || _lastUse[slot] < _lastUse[candidate])
                candidate = slot;
        }

        var victim = oldest == None || (oldestShared != None && shared * 2 > SnapshotCount) ? oldestShared : oldest;
        if (victim == None)
            return false;
        SnapshotsEvicted++;
        Detach(_blockOf[victim]);
        return true;
    }
}

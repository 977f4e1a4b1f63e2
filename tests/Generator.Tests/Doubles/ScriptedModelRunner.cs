using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Doubles;

/// <summary>
/// A model whose logits are a function of all the tokens before, read back through the block table: it keeps each position's id in the
/// block that the engine named, so a wrong table, a lost block or a stale past shows as another answer.
/// </summary>
internal sealed class ScriptedModelRunner(int blockCount = 64, int blockTokens = 4, int vocabularySize = 64, int contextTokensMax = 4096)
    : IModelRunner
{
    private readonly uint[] _cache = new uint[blockCount * blockTokens];
    private readonly int[] _lengths = new int[blockCount * blockTokens];
    private readonly Dictionary<long, uint> _marks = [];
    private readonly long[] _adapters = new long[blockCount * blockTokens];
    private readonly uint[]?[] _states = new uint[]?[1024];
    private float[] _logits = [];

    public ModelShape Shape { get; init; } = new(1, 8, 8, 1, 1, 8, vocabularySize, contextTokensMax, true);

    /// <summary>A model with states, in so many slots.</summary>
    public static ScriptedModelRunner WithStates(int slots, int blockCount = 64, int blockTokens = 4) =>
        new(blockCount, blockTokens)
        {
            Shape = new ModelShape(2, 8, 8, 1, 1, 8, 64, 4096, true)
            {
                KeylessLayers = [0],
                States = [new StateShape(0, StateShape.Convolution, 2, 8)],
            },
            StateSlots = slots,
        };

    public int BlockTokens => blockTokens;

    public int BlockCount => blockCount;

    public string Device => "script";

    public int FreeTokens { get; init; } = 1;

    /// <summary>With some, the model has states: that of a slot is all tokens up to it, and must be those that the engine says.</summary>
    public int StateSlots { get; init; }

    public bool SkipsBehindWindow => true;

    public IDrafter? Drafter { get; init; }

    /// <inheritdoc />
    public ulong StateChecksum(int slot) =>
        (_states[slot] ?? []).Aggregate(17UL, (sum, id) => unchecked((sum * 1_099_511_628_211) + id));

    /// <summary>Changes what every slot of states holds, as broken memory would.</summary>
    public void SpoilStates()
    {
        foreach (var state in _states)
        {
            if (state is { Length: > 0 })
                state[^1] ^= 1;
        }
    }

    /// <summary>Called with each step before it runs; throws to make it fail.</summary>
    public Action<StepBatch>? BeforeRun { get; set; }

    /// <summary>Logits of a history; replaceable.</summary>
    public Func<uint[], float[]> LogitsOf { get; set; } = history => HashedLogits(history, vocabularySize);

    public bool CopyFails { get; set; }

    public int Runs { get; private set; }

    public long TokensRun { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Garbage of this double itself.</summary>
    public long BytesAllocated { get; private set; }

    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        RunRows(batch);
        BytesAllocated += GC.GetAllocatedBytesForCurrentThread() - allocated;
        return _logits;
    }

    private void RunRows(StepBatch batch)
    {
        Runs++;
        Assert.True(batch.SequenceCount > 0 && batch.TokenCount > 0, "An empty batch kills the real runner.");
        BeforeRun?.Invoke(batch);
        TokensRun += batch.TokenCount;
        Array.Resize(ref _logits, batch.LogitRowCount * vocabularySize);
        RunStates(batch);
        var logitRow = 0;
        for (var row = 0; row < batch.SequenceCount; row++)
        {
            var table = batch.BlockTable.AsSpan(row * batch.BlockTableWidth, batch.BlockTableWidth);
            for (var token = batch.CumulativeLengths[row]; token < batch.CumulativeLengths[row + 1]; token++)
            {
                var position = batch.PastLengths[row] + token - batch.CumulativeLengths[row];
                var slot = (table[position / blockTokens] * blockTokens) + (position % blockTokens);
                (_cache[slot], _lengths[slot]) = ((uint)batch.InputIds[token], batch.RotaryLengths[row]);
                var adapter = batch.Adapters[row]?.Identity ?? 0;
                _adapters[slot] = adapter;
                if (logitRow == batch.LogitRowCount || batch.LogitRows[logitRow] != token)
                    continue;
                LogitsOf(History(table, position, batch.RotaryLengths[row], adapter)).CopyTo(_logits.AsSpan(logitRow++ * vocabularySize));
            }
        }

        Assert.Equal(batch.LogitRowCount, logitRow);
    }

    /// <summary>Leads the states of a step on; no slot may be written that another sequence of the step reads.</summary>
    private void RunStates(StepBatch batch)
    {
        if (StateSlots == 0)
            return;
        var read = batch.StateIn.Take(batch.SequenceCount).Where(slot => slot >= 0).ToLookup(slot => slot);
        var results = new Dictionary<int, uint[]>();
        for (var row = 0; row < batch.SequenceCount; row++)
        {
            var (first, end, slot) = (batch.CumulativeLengths[row], batch.CumulativeLengths[row + 1], batch.StateIn[row]);
            uint[] before = slot < 0 ? [] : _states[slot] ?? throw new InvalidOperationException($"Slot {slot} holds nothing.");
            var table = batch.BlockTable.AsSpan(row * batch.BlockTableWidth, batch.BlockTableWidth).ToArray();
            Assert.Equal(batch.PastLengths[row], before.Length);
            Assert.Equal(
                Enumerable.Range(0, before.Length).Select(i => _cache[(table[i / blockTokens] * blockTokens) + (i % blockTokens)]), before);
            for (var token = first; token < end; token++)
            {
                if (batch.StateOut[token] is not (>= 0 and var target))
                    continue;
                Assert.True(target < StateSlots && read[target].Count() <= (target == slot ? 1 : 0), $"slot {target} is read by others");
                results.Add(target, [.. before, .. Enumerable.Range(first, token + 1 - first).Select(i => (uint)batch.InputIds[i])]);
            }
        }

        foreach (var (target, state) in results)
            _states[target] = state;
    }

    /// <summary>
    /// What a position sees: all before it, or the window; every token of it must have been computed for the same length. Where a length
    /// decides, it comes first.
    /// </summary>
    private uint[] History(ReadOnlySpan<int> table, int position, int length, long adapter)
    {
        var history = new List<uint>();
        if (adapter != 0)
            history.Add(MarkOf(adapter));
        if (Shape.Positions is { } rule)
        {
            Assert.True(rule.Kind == PositionRule.Dynamic || position + 1 > rule.Border == length > rule.Border,
                $"position {position} is computed for {length} tokens");
            history.Add((uint)length % 60);
        }

        for (var i = Math.Max(0, position + 1 - (Shape.WindowTokens ?? int.MaxValue)); i <= position; i++)
        {
            var slot = (table[i / blockTokens] * blockTokens) + (i % blockTokens);
            Assert.Equal(length, _lengths[slot]);
            Assert.Equal(adapter, _adapters[slot]);
            history.Add(_cache[slot]);
        }

        return [.. history];
    }

    public void CopyBlock(int source, int destination)
    {
        if (CopyFails)
            throw new InvalidOperationException("device");
        _cache.AsSpan(source * blockTokens, blockTokens).CopyTo(_cache.AsSpan(destination * blockTokens));
        _lengths.AsSpan(source * blockTokens, blockTokens).CopyTo(_lengths.AsSpan(destination * blockTokens));
        _adapters.AsSpan(source * blockTokens, blockTokens).CopyTo(_adapters.AsSpan(destination * blockTokens));
    }

    public void Terminate()
    {
    }

    public void Dispose() => IsDisposed = true;

    /// <summary>What a history with an adapter begins with; every token of it must have been computed with that one.</summary>
    public uint MarkOf(long adapter)
    {
        // By the order in which they are seen: an identity's own number depends on what the process did before.
        lock (_marks)
            return _marks.TryGetValue(adapter, out var mark) ? mark : _marks[adapter] = 1000 + (uint)_marks.Count;
    }

    /// <summary>The linears of this model that adapters are checked against.</summary>
    public AdaptedLinears? Adapted { get; init; }

    /// <summary>Logits from −4 to 4 that depend on every id of the history and on its order.</summary>
    public static float[] HashedLogits(uint[] history, int vocabularySize)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var id in history)
            hash = (hash ^ (id + 1)) * 0x100000001B3UL;
        var logits = new float[vocabularySize];
        for (var i = 0; i < logits.Length; i++)
        {
            hash += 0x9E3779B97F4A7C15UL;
            var mixed = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL;
            logits[i] = ((mixed ^ (mixed >> 31)) >> 40) * (8f / (1 << 24)) - 4f;
        }

        return logits;
    }
}

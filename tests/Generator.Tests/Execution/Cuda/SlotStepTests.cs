using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Slots;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Cuda;

/// <summary>How a step over slots is cut into runs, and what each of them reads.</summary>
public sealed class SlotStepTests
{
    private const int Slots = 12;
    private static readonly ModelShape Shape = new(2, 48, 48, 6, 2, 16, 500, 64, true);
    private static readonly GraphTarget Target = new("cuda", "fp16", "group-query", 64);

    private readonly SlotStep _step = new(Slots, 64, 8, 16);
    private readonly StepBatch _batch = new(64, 8, 1, 16);

    [Theory]
    [InlineData("3", "3+1")]
    [InlineData("4 3 5", "3+3")]
    [InlineData("0 2", "0+3")]
    [InlineData("0 3", "0+4")]
    [InlineData("0 4", "0+1 4+1")]
    [InlineData("0 1 5", "0+6")]
    [InlineData("0 1 6", "0+2 6+1")]
    [InlineData("11 0 1", "0+2 11+1")]
    public void Plan_DecodeRows_AreRunsOfWhichHalfIsWanted(string slots, string runs)
    {
        Decode([.. slots.Split(' ').Select(int.Parse)]);

        Assert.Equal(runs, string.Join(' ', _step.Runs.Select(run => $"{run.FirstSlot}+{run.Slots}")));
        Assert.All(_step.Runs, run => Assert.Equal(1, run.TokensEach));
    }

    [Fact]
    public void Plan_ChunksAndDrafts_AreRunsOfTheirOwnBehindTheDecodeRows()
    {
        _batch.Clear(1);
        _batch.Add(new uint[5], 0, [7], 0);
        _batch.Add(new uint[1], 9, [2], 1);
        _batch.Add(new uint[4], 20, [1], 4);
        _batch.Add(new uint[1], 3, [0], 1);
        _step.Plan(_batch);

        Assert.Equal([new(0, 3, 1, 2), new(7, 1, 5, 0), new(1, 1, 4, 4)], _step.Runs);
        Assert.Equal([(0, 1), (2, 0), (2, 1), (2, 2), (2, 3), (0, 0)], Enumerable.Range(0, 6).Select(_step.PlaceOf));
    }

    [Fact]
    public void Pack_DecodeRows_WriteHolesBehindWhatTheyHold()
    {
        // Slot 3 was written up to 40 and pauses; slot 4 reads a chunk in this step, behind 10; slot 5 was never written.
        _batch.Clear(1);
        _batch.Add(new uint[40], 0, [3], 1);
        _step.Plan(_batch);
        _step.Commit();
        _batch.Clear(1);
        _batch.Add([21], 8, [6], 1);
        _batch.Add(new uint[6], 10, [4], 0);
        _batch.Add([22], 30, [2], 1);
        _batch.Add([23], 0, [1], 0);
        _step.Plan(_batch);

        var (ids, rows, positions, longest) = Pack(0);
        Assert.Equal(new SlotRun(1, 6, 1, 2), _step.Runs[0]);
        Assert.Equal([23, 22, 0, 0, 0, 21], ids);
        Assert.Equal([1, 5], rows);
        Assert.Equal([0, 30, 40, 10, 0, 8], positions);
        Assert.Equal(41, longest);

        (ids, rows, positions, longest) = Pack(1);
        Assert.Equal(new long[6], ids);
        Assert.Equal([0], rows);
        Assert.Equal([15], positions);
        Assert.Equal(16, longest);
    }

    [Fact]
    public void Pack_AFullSlotOrItsCopyAsAHole_StaysWithinIt()
    {
        _batch.Clear(1);
        _batch.Add(new uint[64], 0, [1], 1);
        _step.Plan(_batch);
        _step.Commit();
        _step.Copied(1, 3);
        Decode([0, 2, 4]);

        Assert.Equal([0, 63, 0, 63, 0], Pack(0).Positions);
    }

    [Theory]
    [InlineData(12, 0, "there are 12")]
    [InlineData(1, 0, "both in slot 1")]
    [InlineData(2, 64, "Generator:ContextTokensMax")]
    public void Plan_WhatNoSlotHolds_IsRefused(int slot, int past, string message)
    {
        _batch.Clear(1);
        _batch.Add([1], 0, [1], 1);
        _batch.Add([1], past, [slot], 1);

        Assert.Contains(message, Assert.Throws<ArgumentException>(() => _step.Plan(_batch)).Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Runs of a step lie one behind the other, and each reads its own slots of every cache, which are given back in place.
    /// </summary>
    [Fact]
    public void BindingPlan_OfARun_BeginsWhereTheLastOneEndsAndViewsItsSlots()
    {
        var first = BindingPlan.CreateRun(Shape, Target, new SlotRun(3, 2, 1, 2), (Slots, 64), default);
        var second = BindingPlan.CreateRun(Shape, Target, new SlotRun(7, 1, 5, 0), (Slots, 64), first.End);

        Assert.Equal(first.End, second.Start);
        Assert.All(
            second.Tensors.Where(tensor => tensor.Place != TensorPlace.Cache),
            tensor => Assert.InRange(tensor.Offset, Math.Max(256, first.OffsetOf(tensor.Name) + 1), long.MaxValue));
        var places = second.Tensors.Where(tensor => tensor.Place == TensorPlace.Host).Select(tensor => tensor.Name);
        Assert.Equal(["attention_shape", "total_sequence_length"], places);
        const long slotBytes = 2 * 64 * 16 * sizeof(ushort);
        var value = second.Tensors.Single(tensor => tensor.Name == "value_cache.1");
        Assert.Equal("value_cache_out.1", value.Alias);
        Assert.Equal([1L, 2, 64, 16], value.Shape);
        Assert.Equal((3 * Slots * slotBytes) + (7 * slotBytes), value.Offset);
        Assert.Equal(slotBytes, value.Bytes);
    }

    private void Decode(int[] slots)
    {
        _batch.Clear(1);
        foreach (var slot in slots)
            _batch.Add([1], 0, [slot], 1);
        _step.Plan(_batch);
    }

    private (long[] Ids, long[] Rows, int[] Positions, int Longest) Pack(int index)
    {
        var run = _step.Runs[index];
        var (ids, rows, positions) = (new long[run.Tokens], new long[run.BoundLogitRows], new int[run.Slots]);
        return (ids, rows, positions, _step.Pack(run, ids, rows, positions));
    }
}

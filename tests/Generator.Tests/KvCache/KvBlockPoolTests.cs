using CsCheck;
using Parley.Generator.KvCache;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.KvCache;

public sealed class KvBlockPoolTests
{
    [Fact]
    public void TryTake_MoreThanThereAre_AnswersFalse()
    {
        var pool = new KvBlockPool(3, 4);
        var table = Fill(pool, 3);
        Assert.False(pool.TryTake(out _));
        Assert.Equal((0, 3), (pool.FreeCount, pool.UsedCount));
        pool.ReleaseAll(table);
        Assert.Equal((3, 0), (pool.FreeCount, table.Count));
    }

    /// <summary>A block that holds a whole sequence is a slot: the lowest free one is next, whatever came back last.</summary>
    [Fact]
    public void TryTake_Slots_AreTakenFromTheLowestUp()
    {
        var pool = new KvBlockPool(5, 8, contextTokensMax: 8);
        var tables = Enumerable.Range(0, 5).Select(_ => Fill(pool, 1)).ToList();
        foreach (var slot in new[] { 1, 3, 0, 4 })
            pool.ReleaseAll(tables[slot]);

        Assert.Equal([0, 1, 3, 4], Enumerable.Range(0, 4).Select(_ => Fill(pool, 1).Blocks[0]));
        AssertValid(pool);
    }

    [Fact]
    public void ShareCached_PublishedBlocks_AreCountedTwiceAndFreedOnce()
    {
        var pool = new KvBlockPool(4, 2);
        uint[] tokens = [1, 2, 3, 4, 5];
        var first = Fill(pool, 3);
        pool.Publish(first, tokens);
        var second = new BlockTable();
        Assert.Equal(4, pool.ShareCached(second, tokens));
        Assert.Equal([2, 2, 1], first.Blocks.ToArray().Select(pool.References));
        Assert.Equal(1, pool.FreeCount);
        pool.ReleaseAll(first);
        Assert.Equal(2, pool.FreeCount);
        pool.ReleaseAll(second);
        Assert.Equal(4, pool.FreeCount);
        AssertValid(pool);
    }

    [Fact]
    public void TryTake_CachedAndEmptyBlocks_TakesEmptyThenTheOldestTail()
    {
        var pool = new KvBlockPool(4, 2);
        var table = Fill(pool, 2);
        pool.Publish(table, [1, 2, 3, 4]);
        pool.ReleaseAll(table);
        Fill(pool, 3);

        // Two empty blocks went first, then the tail of the prefix; its head is still known.
        Assert.Equal(1, pool.CountCached([1, 2, 3, 4], out var free));
        Assert.Equal(1, free);
    }

    [Fact]
    public void Publish_SameContentTwice_KeepsTheFirst()
    {
        var pool = new KvBlockPool(4, 2);
        var (one, two) = (Fill(pool, 2), Fill(pool, 2));
        pool.Publish(one, [1, 2, 3, 4]);
        pool.Publish(two, [1, 2, 9, 9]);
        Assert.Equal(2, pool.CountCached([1, 2, 9, 9], out _));
        pool.ReleaseAll(one);
        pool.ReleaseAll(two);
        AssertValid(pool);
        Assert.Equal(2, pool.CountCached([1, 2, 3, 4], out _));
        Assert.Equal(0, pool.CountCached([3, 4], out _));
    }

    [Fact]
    public void Pool_AnyHistory_AccountsForEveryBlock()
    {
        // Each operation: what to do, with which sequence, on which of a few overlapping contents.
        var operation = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 4], Gen.Int[0, 3], Gen.Int[1, 14]);
        operation.Array[1, 120].ForAll(200, operations =>
        {
            var pool = new KvBlockPool(12, 2);
            var tables = Enumerable.Range(0, 5).Select(_ => new BlockTable()).ToArray();
            foreach (var (kind, who, content, length) in operations)
            {
                var table = tables[who];
                var tokens = Enumerable.Range(0, length).Select(i => (uint)(i < 4 ? i : i * content)).ToArray();
                if (kind == 0 || table.Count > 0)
                {
                    pool.ReleaseAll(table);
                    continue;
                }

                pool.ShareCached(table, tokens);
                while (table.Count < pool.BlocksFor(length) && pool.TryTake(out var block))
                    table.Add(block);
                pool.Publish(table, tokens.AsSpan(0, Math.Min(length, table.Count * 2)));
                AssertValid(pool);
                for (var block = 0; block < 12; block++)
                    Assert.Equal(tables.Sum(t => t.Blocks.Count(block)), pool.References(block));
            }
        });
    }

    private static BlockTable Fill(KvBlockPool pool, int blocks)
    {
        var table = new BlockTable();
        for (var i = 0; i < blocks; i++)
        {
            Assert.True(pool.TryTake(out var block));
            table.Add(block);
        }

        return table;
    }

    private static void AssertValid(KvBlockPool pool)
    {
        var violations = new List<string>();
        pool.Validate(violations);
        Assert.Empty(violations);
    }
}

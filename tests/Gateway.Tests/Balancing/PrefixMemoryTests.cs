using Parley.Gateway.Balancing;

namespace Parley.Gateway.Tests.Balancing;

public sealed class PrefixMemoryTests
{
    [Fact]
    public void Hash_OfPromptsThatShareABeginning_SharesItsNamesOnly()
    {
        var one = PromptBlocks.Hash([1, 2, 3, 4, 5, 6, 7, 8, 9], 4, 10);
        var other = PromptBlocks.Hash([1, 2, 3, 4, 5, 6, 7, 9], 4, 10);
        Assert.Equal((2, 2), (one.Length, other.Length));
        Assert.Equal(one[0], other[0]);
        Assert.NotEqual(one[1], other[1]);
        // The same block behind another beginning is another.
        Assert.NotEqual(one[0], PromptBlocks.Hash([9, 9, 9, 9, 1, 2, 3, 4], 4, 10)[1]);
        Assert.Single(PromptBlocks.Hash([1, 2, 3, 4, 5, 6, 7, 8], 4, 1));
        Assert.NotEqual(one[0], PromptBlocks.Hash([1, 2, 3, 4], 4, 1, "adapter")[0]);
    }

    [Fact]
    public void Find_OfSeveralReplicas_IsTheLongestThatMayServe()
    {
        var memory = new PrefixMemory<string>(100);
        memory.Learn([1, 2, 3], "a");
        memory.Learn([1, 2], "b");
        Assert.Equal(("a", 3), memory.Find([1, 2, 3, 4], _ => true));
        Assert.Equal(("b", 2), memory.Find([1, 2, 9], _ => true));
        Assert.Equal((null, 0), memory.Find([7], _ => true));
        Assert.Equal(("b", 2), memory.Find([1, 2, 3, 4], replica => replica == "b"));
        memory.Forget("a");
        Assert.Equal(("b", 2), memory.Find([1, 2, 3, 4], _ => true));
    }

    [Fact]
    public void Learn_BeyondTheCapacity_ForgetsTheOldest()
    {
        var memory = new PrefixMemory<string>(4);
        memory.Learn([1, 2, 3, 4], "a");
        memory.Learn([5, 6], "b");
        Assert.Equal(("a", 4), memory.Find([1, 2, 3, 4], _ => true));
        memory.Learn([7, 8], "b");
        Assert.Equal((null, 0), memory.Find([1, 2, 3, 4], _ => true));
        Assert.Equal(("b", 2), memory.Find([5, 6], _ => true));
        var none = new PrefixMemory<string>(0);
        none.Learn([1], "a");
        Assert.Equal((null, 0), none.Find([1], _ => true));
    }
}

using Parley.Cli.Bench.Serve;

namespace Parley.Cli.Tests.Bench.Serve;

public sealed class PromptSourceTests
{
    [Fact]
    public void Prompt_AnyIndex_HasItsWordsAndIsLikeNoOther()
    {
        var source = new PromptSource(20, 0, [], seed: 1);
        var prompts = Enumerable.Range(0, 2000).Select(source.Prompt).ToArray();
        Assert.All(prompts, prompt => Assert.Equal(20, prompt.Split(' ').Length));
        Assert.Equal(prompts.Length, prompts.Distinct().Count());
        Assert.Equal(prompts, Enumerable.Range(0, 2000).Select(new PromptSource(20, 0, [], seed: 1).Prompt));
        Assert.NotEqual(prompts[5], new PromptSource(20, 0, [], seed: 2).Prompt(5));
    }

    [Fact]
    public void Prompt_WithASharedPrefix_SharesItAndNothingElse()
    {
        var source = new PromptSource(40, 30, [], seed: 1);
        var (one, other) = (source.Prompt(3).Split(' '), source.Prompt(4).Split(' '));
        Assert.Equal(40, one.Length);
        Assert.Equal(one[..30], other[..30]);
        Assert.NotEqual(one[30], other[30]);
    }

    [Fact]
    public void Prompt_OfAFile_TakesItsLinesInTurn()
    {
        var source = new PromptSource(40, 0, ["a", "b"], seed: 1);
        Assert.Equal(["a", "b", "a"], Enumerable.Range(0, 3).Select(source.Prompt));
    }
}

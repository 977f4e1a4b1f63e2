using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>What happens where a sequence grows over a border: of a window, of longrope, of dynamic positions.</summary>
public sealed class BorderTests
{
    /// <summary>A pool that could not hold the sequence does, since what lies behind every window is given back.</summary>
    [Fact]
    public void Window_LongAnswer_TakesNoMoreBlocksThanTheWindow()
    {
        const int Blocks = 8;
        var checkpoint = new ParityCheckpoint("mistral-window24");
        using var package = new ParityPackage(checkpoint.Folder);
        Assert.Equal(24, package.Shape.WindowTokens);
        var prompt = checkpoint.Cases()[1].Ids;
        uint[] expected;
        using (var engine = new ParityEngine(package, stepTokens: 16))
            expected = engine.Greedy(150, prompt)[0];

        using var tight = new ParityEngine(package, blocks: Blocks, stepTokens: 16);
        var actual = tight.Greedy(150, prompt)[0];

        Assert.True(prompt.Length + 150 > Blocks * 16);
        Assert.Equal(expected, actual);
        Assert.InRange(tight.BlocksUsedMax, 1, Blocks);
        Assert.Equal(0, tight.Totals.Preemptions);
        // Two at once do not fit together and both get there.
        Assert.Equal([expected, expected], tight.Greedy(150, prompt, prompt));
    }

    /// <summary>transformers throws its cache away and computes everything with the long factors from there on.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void LongRope_SequenceThatGrowsOverTheBorder_IsComputedAnew(int draftTokens)
    {
        var checkpoint = new ParityCheckpoint("phi3-longrope-long");
        using var package = new ParityPackage(checkpoint.Folder);
        Assert.Equal(40, package.Shape.Positions?.Border);
        var whole = checkpoint.Cases()[0].Ids;
        uint[][] prompts = [whole[..32], whole[..40], whole[..41]];
        var reference = new FamilyForward(checkpoint.Folder);
        var expected = prompts.Select(ids => Greedy(reference, ids, 14)).ToArray();

        using var engine = new ParityEngine(package, draftTokens: draftTokens);
        AssertStart(expected, [.. prompts.Select(ids => engine.Greedy(14, ids)[0])]);
        // The second time they come from the cache, which holds blocks of both kinds by now; then all at once.
        AssertStart(expected, [.. prompts.Select(ids => engine.Greedy(14, ids)[0])]);
        Assert.True(engine.Totals.CachedTokens > 0, "no prefix was shared");
        AssertStart(expected, engine.Greedy(14, prompts));
    }

    /// <summary>The base is by the prompt's whole length and stays, whatever was served before.</summary>
    [Fact]
    public void Dynamic_SamePrompt_HasTheSameAnswerWhateverWasServedBefore()
    {
        var checkpoint = new ParityCheckpoint("llama-dynamic-64");
        using var package = new ParityPackage(checkpoint.Folder);
        var cases = checkpoint.Cases();
        var (brief, extended) = (cases[0].Ids, cases[1].Ids);
        var longer = extended.Concat(extended[..20]).ToArray();
        uint[][] fresh = [.. new[] { brief, extended, longer }.Select(ids =>
        {
            using var engine = new ParityEngine(package, context: 128);
            return engine.Greedy(20, ids)[0];
        })];

        using var busy = new ParityEngine(package, context: 128);
        foreach (var _ in new[] { 1, 2 })
        {
            Assert.Equal(fresh[2], busy.Greedy(20, longer)[0]);
            Assert.Equal(fresh[0], busy.Greedy(20, brief)[0]);
            Assert.Equal(fresh[1], busy.Greedy(20, extended)[0]);
        }

        Assert.Equal(fresh, busy.Greedy(20, brief, extended, longer));
        Assert.Equal(cases.Select(scene => scene.Greedy[0]), fresh.Take(2).Select(answer => answer[0]));
    }

    /// <summary>Ids and whether fp32 decides them.</summary>
    private static (uint Id, bool IsDecided)[] Greedy(FamilyForward reference, uint[] prompt, int count)
    {
        var ids = prompt.Select(id => (int)id).ToList();
        var answer = new List<(uint, bool)>();
        while (answer.Count < count)
        {
            var logits = reference.Logits([.. ids])[^1];
            var best = logits.Index().OrderByDescending(entry => entry.Item).Take(2).ToArray();
            answer.Add(((uint)best[0].Index, best[0].Item - best[1].Item > 2e-5 * logits.Max(Math.Abs)));
            ids.Add(best[0].Index);
        }

        return [.. answer];
    }

    private static void AssertStart((uint Id, bool IsDecided)[][] expected, uint[][] actual)
    {
        foreach (var (wanted, found) in expected.Zip(actual))
        {
            var decided = wanted.TakeWhile(step => step.IsDecided).Select(step => step.Id).ToArray();
            Assert.True(decided.Length > 12, "the border is behind what fp32 decides");
            Assert.Equal(decided, found[..decided.Length]);
        }
    }
}

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>Every dense family in fp32 against what transformers answered on the same checkpoint.</summary>
public sealed class ParityTests
{
    private const double LogitBound = 1e-4;

    /// <summary>Where the two best logits are closer than this part of the largest, fp32 decides nothing.</summary>
    private const double MarginBound = 1e-3;

    [Theory]
    [MemberData(nameof(ParityCheckpoint.All), MemberType = typeof(ParityCheckpoint))]
    public void Logits_InChunksOfAnySizeAndBatched_AreThoseOfTransformers(string name)
    {
        var checkpoint = new ParityCheckpoint(name);
        using var package = new ParityPackage(checkpoint.Folder);
        using var runner = package.Open(ParityPackage.Options());
        var cases = checkpoint.Cases();
        uint[][] prompts = [.. cases.Select(scene => scene.Ids)];
        foreach (var chunk in new[] { 256, 64, 7, 1 })
        {
            var rows = chunk == 256 ? [.. prompts.Select(ids => package.Logits(runner, [ids], chunk)[0])]
                : package.Logits(runner, prompts, chunk);
            foreach (var (scene, logits) in cases.Zip(rows))
            {
                var (last, middle) = (
                    Fixture.RelativeError(logits[^1], scene.Last), Fixture.RelativeError(logits[scene.MiddleIndex], scene.Middle));
                TestContext.Current.TestOutputHelper?.WriteLine($"{name} in chunks of {chunk}: last {last:E1}, middle {middle:E1}");
                Assert.InRange(last, 0, LogitBound);
                Assert.InRange(middle, 0, LogitBound);
                Assert.Equal(scene.Greedy[0], (uint)Array.IndexOf(logits[^1], logits[^1].Max()));
            }
        }
    }

    /// <summary>Alone, from a cached prefix, beside others, preempted and computed anew, and with drafts.</summary>
    [Theory]
    [MemberData(nameof(ParityCheckpoint.WithAnswers), MemberType = typeof(ParityCheckpoint))]
    public void Greedy_HoweverItIsScheduled_IsThatOfTransformers(string name)
    {
        var checkpoint = new ParityCheckpoint(name);
        using var package = new ParityPackage(checkpoint.Folder);
        var cases = checkpoint.Cases();
        uint[][] prompts = [.. cases.Select(scene => scene.Ids)];
        var decided = DecidedLengths(package, cases);

        using (var engine = new ParityEngine(package))
        {
            AssertGreedy(cases, decided, [.. prompts.Select(ids => engine.Greedy(48, ids)[0])]);
            AssertGreedy(cases, decided, [.. prompts.Select(ids => engine.Greedy(48, ids)[0])]);
            Assert.True(engine.Totals.CachedTokens > 0, "no prefix was shared");
            AssertGreedy(cases, decided, engine.Greedy(48, prompts));
        }

        // Enough for each of the two to its end, and for both to begin.
        using (var engine = new ParityEngine(package, blocks: 12, context: 160))
        {
            AssertGreedy(cases, decided, engine.Greedy(48, prompts));
            Assert.True(package.Shape.WindowTokens is not null || engine.Totals.Preemptions > 0, "nothing was preempted");
        }

        using (var engine = new ParityEngine(package, draftTokens: 4))
            AssertGreedy(cases, decided, engine.Greedy(48, prompts));
    }

    /// <summary>For each case the ids up to the first that fp32 does not decide.</summary>
    internal static int[] DecidedLengths(ParityPackage package, IReadOnlyList<ParityCase> cases)
    {
        using var runner = package.Open(ParityPackage.Options());
        return [.. cases.Select(scene =>
        {
            for (var step = 0; step < scene.Greedy.Length; step++)
            {
                uint[] ids = [.. scene.Ids, .. scene.Greedy[..step]];
                var logits = package.Logits(runner, [ids], 256)[0][^1];
                var largest = logits.Max(MathF.Abs);
                var sorted = logits.OrderDescending().Take(2).ToArray();
                if (sorted[0] - sorted[1] < MarginBound * largest)
                    return step;
            }

            return scene.Greedy.Length;
        })];
    }

    private static void AssertGreedy(IReadOnlyList<ParityCase> cases, int[] decided, uint[][] answers)
    {
        for (var i = 0; i < cases.Count; i++)
        {
            Assert.Equal(48, answers[i].Length);
            Assert.Equal(cases[i].Greedy[..decided[i]], answers[i][..decided[i]]);
        }
    }
}

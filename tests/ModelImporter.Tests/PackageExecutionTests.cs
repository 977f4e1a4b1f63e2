using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Model;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests;

/// <summary>
/// Imported packages in the Generator's own runner: paged cache, mixed steps of chunks and single tokens of two sequences.
/// </summary>
public sealed class PackageExecutionTests
{
    private const int BlockTokens = 16;

    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, "fp32", 1e-5)]
    [InlineData(Fixture.UntiedHeadDim32, "fp32", 1e-5)]
    [InlineData(Fixture.Linear, "fp32", 1e-5)]
    [InlineData(Fixture.TiedLlama3Rope, "int8", 0.1)]
    [InlineData(Fixture.UntiedHeadDim32, "int8", 0.1)]
    [InlineData(Fixture.TiedLlama3Rope, "w8a8", 0.1)]
    [InlineData(Fixture.UntiedHeadDim32, "w8a8", 0.1)]
    [InlineData(Fixture.TiedLlama3Rope, "int4", 0.7)]
    [InlineData(Fixture.UntiedHeadDim32, "int4", 0.7)]
    public void Package_MixedSteps_AreAsCloseToTheReferenceAsStated(string name, string precision, double bound)
    {
        EightBitProducts.SkipUnlessExact(precision);
        using var folder = new TemporaryFolder();
        ModelImport.Run(new ImportOptions { Source = Fixture.Folder(name), Destination = folder.File("package"), Precision = precision });
        var package = ModelPackage.Open(folder.File("package"), verifyHashes: true);
        var options = new RunnerOptions
        {
            BlockTokens = BlockTokens,
            BlockCount = 64,
            StepTokensMax = 128,
            SequencesMax = 2,
            LogitRowsMax = 2,
            ContextTokensMax = 256,
            Threads = 2,
        };
        using var runner = OnnxModelRunner.Create(package.ModelPath, package.Manifest, options);
        var batch = options.CreateBatch();
        var sequences = Fixture.Expected(name).GetProperty("cases").EnumerateArray()
            .Select(scene => Fixture.Ids(scene.GetProperty("ids")).Concat(
                Fixture.Ids(scene.GetProperty("greedy_ignore_eos"))).ToArray()).ToArray();
        var expected = sequences.Select(ids => new ReferenceForward(Fixture.Folder(name)).Logits(ids)).ToArray();
        var past = new int[2];
        var error = new LogitError();
        for (var step = 0; past[0] < sequences[0].Length && past[1] < sequences[1].Length; step++)
        {
            batch.Clear(options.BlocksPerSequenceMax);
            for (var s = 0; s < 2; s++)
            {
                // Chunks of 1 to 11 tokens; blocks of the two sequences alternate.
                var count = Math.Min(1 + (((step * 7) + (s * 5)) % 11), sequences[s].Length - past[s]);
                int[] blocks = [.. Enumerable.Range(0, options.BlocksPerSequenceMax).Select(block => (2 * block) + s)];
                batch.Add([.. sequences[s].Skip(past[s]).Take(count).Select(id => (uint)id)], past[s], blocks, 1);
                past[s] += count;
            }

            var logits = runner.Run(batch).Span;
            for (var s = 0; s < 2; s++)
                error.Add(logits.Slice(s * 384, 384), expected[s][past[s] - 1]);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {precision}: {error}");
        Assert.InRange(precision == "fp32" ? error.Worst : error.RootMeanSquare, 0, bound);
    }

    /// <summary>What drafts by default rest on: they may change the speed of an answer and not a bit of it.</summary>
    [Theory]
    [InlineData("int4", "own", true)]
    [InlineData("int8", "own", true)]
    [InlineData("int4", "ort", false)]
    [InlineData("int8", "ort", false)]
    [InlineData("w8a8", "own", false)]
    [InlineData("fp32", "own", false)]
    public void Package_FreeTokens_HaveTheLogitsThatTheyHaveAlone(string precision, string linears, bool areOurs)
    {
        EightBitProducts.SkipUnlessExact(precision);
        using var folder = new TemporaryFolder();
        ModelImport.Run(new ImportOptions
        {
            Source = Fixture.Folder(Fixture.TiedLlama3Rope),
            Destination = folder.File("package"),
            Precision = precision,
            Linears = linears,
        });
        var package = ModelPackage.Open(folder.File("package"));
        var options = new RunnerOptions
        {
            BlockTokens = BlockTokens,
            BlockCount = 2,
            StepTokensMax = 4,
            SequencesMax = 1,
            LogitRowsMax = 4,
            ContextTokensMax = 32,
            Threads = 2,
        };
        using var runner = OnnxModelRunner.Create(package.ModelPath, package.Manifest, options);
        Assert.Equal(areOurs ? QuantizedLinearKernel.Best.FreeRows : 1, runner.FreeTokens);

        var ids = Enumerable.Range(0, 24).Select(i => (uint)((i * 37) % 300)).ToArray();
        var alone = Logits(runner, options, ids, 1);
        for (var together = 2; together <= runner.FreeTokens; together++)
            Assert.Equal(alone, Logits(runner, options, ids, together));
    }

    /// <summary>Logits of every token, some of them in each step.</summary>
    private static float[] Logits(OnnxModelRunner runner, RunnerOptions options, uint[] ids, int together)
    {
        var batch = options.CreateBatch();
        var logits = new List<float>();
        for (var past = 0; past < ids.Length; past += together)
        {
            batch.Clear(2);
            var step = ids.AsSpan(past, Math.Min(together, ids.Length - past));
            batch.Add(step, past, [1, 0], step.Length);
            logits.AddRange(runner.Run(batch).Span);
        }

        return [.. logits];
    }
}

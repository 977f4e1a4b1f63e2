using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Model;
using Parley.ModelImporter.Tests.Graph;
using Parley.PackageFormat;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests;

/// <summary>
/// CUDA packages in the Generator's CUDA runner, on the CPU: what a package's graph computes with its values widened, and the rehearsal
/// package, through binding plan, packed upload, filled-up decode buckets and candidates.
/// </summary>
public sealed class CudaPackageExecutionTests
{
    private const int BlockTokens = 16;

    private static readonly GraphTarget Rehearsal = new("rehearsal", "fp32", "paged", 64);

    private static readonly RunnerOptions Options = new()
    {
        BlockTokens = BlockTokens,
        BlockCount = 64,
        StepTokensMax = 128,
        SequencesMax = 4,
        LogitRowsMax = 4,
        ContextTokensMax = 256,
        Threads = 2,
    };

    /// <summary>
    /// The rehearsal is exact to fp32's rounding. Widened graphs carry rounded weights (but bf16's of a bf16 checkpoint, where only the
    /// rotary
    /// tables are rounded) and are exact otherwise.
    /// </summary>
    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, "rehearsal", 1e-5)]
    [InlineData(Fixture.UntiedHeadDim32, "rehearsal", 1e-5)]
    [InlineData(Fixture.TiedLlama3Rope, "fp16", 2e-3)]
    [InlineData(Fixture.UntiedHeadDim32, "fp16", 2e-3)]
    [InlineData(Fixture.TiedLlama3Rope, "bf16", 2e-2)]
    [InlineData(Fixture.UntiedHeadDim32, "bf16", 2e-2)]
    [InlineData(Fixture.TiedLlama3Rope, "int4-fp16", 0.7)]
    [InlineData(Fixture.UntiedHeadDim32, "int4-fp16", 0.7)]
    public void Package_MixedStepsAndFilledBuckets_AreAsCloseToTheReferenceAsStated(string name, string precision, double bound)
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, name, precision);
        var batch = Options.CreateBatch();
        int[][] sequences = [.. Fixture.Expected(name).GetProperty("cases").EnumerateArray().Take(2)
            .Select(scene => Fixture.Ids(scene.GetProperty("ids")).Concat(
                Fixture.Ids(scene.GetProperty("greedy_ignore_eos"))).ToArray())];
        var expected = sequences.Select(ids => new ReferenceForward(Fixture.Folder(name)).Logits(ids)).ToArray();
        var past = new int[2];
        var error = new LogitError();
        for (var step = 0; past[0] < sequences[0].Length && past[1] < sequences[1].Length; step++)
        {
            batch.Clear(Math.Max(4, ((past.Max() + 11) / BlockTokens) + 1));
            for (var s = 0; s < 2; s++)
            {
                // Chunks of 1 to 11 tokens, and steps of one token each, which fill up a bucket of their own.
                var count = step % 3 == 0 ? 1 : Math.Min(1 + (((step * 7) + (s * 5)) % 11), sequences[s].Length - past[s]);
                var blocks = Enumerable.Range(0, batch.BlockTableWidth).Select(block => (2 * block) + s);
                batch.Add([.. sequences[s].Skip(past[s]).Take(count).Select(id => (uint)id)], past[s], [.. blocks], 1, logitBest: s);
                past[s] += count;
            }

            runner.Run(batch);
            for (var s = 0; s < 2; s++)
            {
                error.Add(runner.LogitsOf(s), expected[s][past[s] - 1]);
                CandidateRows.AssertBest(runner, s);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {precision}: {error}, {runner.CapturedGraphs} buckets");
        Assert.InRange(runner.CapturedGraphs, 1, 4);
        Assert.InRange(precision == "rehearsal" ? error.Worst : error.RootMeanSquare, 0, bound);
    }

    [Fact]
    public void Run_DecodeRowsInBucketsOfEverySize_EqualTheSameAlone()
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        var batch = Options.CreateBatch();
        var alone = new List<float[]>();
        for (var s = 0; s < 4; s++)
        {
            batch.Clear(2);
            batch.Add([.. Enumerable.Range(1, 17 + s).Select(i => (uint)((i * 31) + s) % 384)], 0, [2 * s, (2 * s) + 1], 0);
            runner.Run(batch);
            batch.Clear(2);
            batch.Add([5], 17 + s, [2 * s, (2 * s) + 1], 1);
            alone.Add(runner.Run(batch).ToArray());
        }

        for (var count = 1; count <= 4; count++)
        {
            batch.Clear(2);
            for (var s = 0; s < count; s++)
                batch.Add([5], 17 + s, [2 * s, (2 * s) + 1], 1);
            var together = runner.Run(batch).ToArray();
            for (var s = 0; s < count; s++)
                Assert.InRange(Fixture.RelativeError(together.AsSpan(s * 384, 384), alone[s]), 0, 1e-6);
        }
    }

    [Fact]
    public void CopyBlock_OfASharedPrefix_ContinuesLikeTheOriginal()
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        var batch = Options.CreateBatch();
        batch.Clear(2);
        batch.Add([.. Enumerable.Range(1, 20).Select(i => (uint)i)], 0, [0, 1], 0);
        runner.Run(batch);
        runner.CopyBlock(1, 9);

        Assert.Equal(Next(1), Next(9));

        float[] Next(int block)
        {
            batch.Clear(2);
            batch.Add([7], 20, [0, block], 1);
            return runner.Run(batch).ToArray();
        }
    }

    [Fact]
    public void Run_SameBucketAgain_AllocatesNextToNothing()
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        var batch = Options.CreateBatch();
        batch.Clear(1);
        batch.Add([3], 0, [0], 1);
        runner.Run(batch);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++)
            runner.Run(batch);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 512);
    }

    [Fact]
    public void Terminate_EndsSteps_AndDisposeFreesTwice()
    {
        using var folder = new TemporaryFolder();
        var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        var batch = Options.CreateBatch();
        batch.Clear(1);
        batch.Add([3], 0, [0], 1);
        runner.Terminate();

        Assert.Throws<OnnxRuntimeException>(() => runner.Run(batch));
        runner.Dispose();
        runner.Dispose();
        runner.Terminate();
        Assert.Throws<ObjectDisposedException>(() => runner.Run(batch));
    }

    private static CudaModelRunner Open(TemporaryFolder folder, string name, string precision)
    {
        var path = folder.File(precision);
        ModelImport.Run(new ImportOptions { Source = Fixture.Folder(name), Destination = path, Precision = precision });
        var package = ModelPackage.Open(path, verifyHashes: true);
        var graph = precision == "rehearsal" ? package.ModelPath : WidenedModel.Write(path);
        var session = SessionFactory.Create(graph, Options.Threads, spinMicroseconds: 0, package.Shape, KvCachePrecision.Fp32);
        BindingPlan.Verify(session, package.Shape, Rehearsal, graph);
        return new CudaModelRunner(session, package.Shape, Rehearsal, new RehearsalMemory(), Options, graphSequencesMax: 4);
    }
}

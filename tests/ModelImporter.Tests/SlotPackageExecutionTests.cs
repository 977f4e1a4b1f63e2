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
/// Packages with GroupQueryAttention in the Generator's slot runner, on the CPU: the whole graph with its values widened, ONNX Runtime's
/// own operator, and slots that hold NaN until somebody writes them.
/// </summary>
public sealed class SlotPackageExecutionTests
{
    private const int Vocabulary = 384;

    private static readonly GraphTarget Rehearsal = new("rehearsal", "fp32", "group-query", 64);

    private static readonly RunnerOptions Options = new()
    {
        BlockTokens = 96,
        BlockCount = 6,
        StepTokensMax = 128,
        SequencesMax = 5,
        LogitRowsMax = 12,
        ContextTokensMax = 96,
        Threads = 2,
    };

    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, "rehearsal", 1e-5)]
    [InlineData(Fixture.UntiedHeadDim32, "rehearsal", 1e-5)]
    [InlineData(Fixture.TiedLlama3Rope, "fp16", 2e-3)]
    [InlineData(Fixture.UntiedHeadDim32, "bf16", 2e-2)]
    [InlineData(Fixture.TiedLlama3Rope, "int4-fp16", 0.7)]
    public void Package_MixedSteps_AreAsCloseToTheReferenceAsStated(string name, string precision, double bound)
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, name, precision, Options with { BlockTokens = 160, ContextTokensMax = 160 });
        var batch = Options.CreateBatch();
        int[][] sequences = [.. Fixture.Expected(name).GetProperty("cases").EnumerateArray().Take(2)
            .Select(scene => Fixture.Ids(scene.GetProperty("ids")).Concat(
                Fixture.Ids(scene.GetProperty("greedy_ignore_eos"))).ToArray())];
        var expected = sequences.Select(ids => new ReferenceForward(Fixture.Folder(name)).Logits(ids)).ToArray();
        var past = new int[2];
        var error = new LogitError();
        for (var step = 0; past[0] < sequences[0].Length && past[1] < sequences[1].Length; step++)
        {
            batch.Clear(1);
            for (var s = 1; s >= 0; s--)
            {
                var count = step % 3 == 0 ? 1 : Math.Min(1 + (((step * 7) + (s * 5)) % 11), sequences[s].Length - past[s]);
                batch.Add([.. sequences[s].Skip(past[s]).Take(count).Select(id => (uint)id)], past[s], [2 + s], 1, logitBest: s);
                past[s] += count;
            }

            runner.Run(batch);
            for (var s = 0; s < 2; s++)
            {
                error.Add(runner.LogitsOf(1 - s), expected[s][past[s] - 1]);
                CandidateRows.AssertBest(runner, 1 - s);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {precision}: {error}");
        Assert.InRange(precision == "rehearsal" ? error.Worst : error.RootMeanSquare, 0, bound);
    }

    /// <summary>
    /// Sequences come and go in any slot, read chunks of any length or single tokens, draft and take back, begin as a copy of another,
    /// pause; each row of logits is what the same tokens give alone.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Run_AnyScheduleOverSlots_EqualsEachSequenceAlone(int seed)
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        using var folderAlone = new TemporaryFolder();
        using var alone = Open(folderAlone, Fixture.TiedLlama3Rope, "rehearsal");
        var (batch, batchAlone, random) = (Options.CreateBatch(), Options.CreateBatch(), new Random(seed));
        // The tokens of each slot's owner that are in the cache.
        var cached = new List<uint>?[Options.BlockCount];
        for (var step = 0; step < 60; step++)
        {
            ChangeOwners(runner, cached, random);
            batch.Clear(1);
            var rows = new List<uint[]>();
            var owned = Enumerable.Range(0, cached.Length).Where(slot => cached[slot] is not null).ToArray();
            random.Shuffle(owned);
            foreach (var slot in owned.Take(4))
            {
                var owner = cached[slot]!;
                if (owner.Count > 3 && random.Next(4) == 0)
                    owner.RemoveRange(owner.Count - 2, 2);
                var count = random.Next(3) == 0 ? random.Next(2, 9) : 1;
                if (owner.Count + count >= Options.ContextTokensMax)
                    continue;
                uint[] ids = [.. Enumerable.Range(0, count).Select(_ => (uint)random.Next(Vocabulary))];
                var wanted = count == 1 ? 1 : random.Next(0, 3);
                batch.Add(ids, owner.Count, [slot], wanted, logitBest: random.Next(2));
                owner.AddRange(ids);
                for (var i = wanted - 1; i >= 0; i--)
                    rows.Add([.. owner.Take(owner.Count - i)]);
            }

            if (batch.SequenceCount == 0)
                continue;
            runner.Run(batch);
            for (var row = 0; row < rows.Count; row++)
            {
                batchAlone.Clear(1);
                batchAlone.Add(rows[row], 0, [0], 1);
                Assert.InRange(Fixture.RelativeError(runner.LogitsOf(row), alone.Run(batchAlone).Span), 0, 2e-6);
                CandidateRows.AssertBest(runner, row);
            }
        }
    }

    [Fact]
    public void Run_SlotOfAFormerOwner_GivesTheSameBitsAsAFreshOne()
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        var batch = Options.CreateBatch();
        var fresh = Answer(3);
        Add(90, 7, 5);
        runner.Run(batch);
        Add(60, 3, 3);
        runner.Run(batch);

        Assert.Equal(fresh, Answer(5));
        Assert.Equal(fresh, Answer(3));

        void Add(int count, int salt, int slot)
        {
            batch.Clear(1);
            batch.Add([.. Enumerable.Range(0, count).Select(i => (uint)((i * salt) + 1) % Vocabulary)], 0, [slot], 0);
        }

        float[] Answer(int slot)
        {
            Add(20, 31, slot);
            runner.Run(batch);
            batch.Clear(1);
            batch.Add([9], 20, [slot], 1);
            return runner.Run(batch).ToArray();
        }
    }

    [Fact]
    public void CopyBlock_OfAPrefix_ContinuesLikeTheOriginal()
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.UntiedHeadDim32, "rehearsal");
        var batch = Options.CreateBatch();
        batch.Clear(1);
        batch.Add([.. Enumerable.Range(1, 20).Select(i => (uint)i)], 0, [1], 0);
        runner.Run(batch);
        runner.CopyBlock(1, 4);

        Assert.Equal(Next(1), Next(4));

        float[] Next(int slot)
        {
            batch.Clear(1);
            batch.Add([7], 20, [slot], 1);
            return runner.Run(batch).ToArray();
        }
    }

    [Fact]
    public void Run_DecodeRowsOfNeighbours_AreOneRunAndAllocateNextToNothing()
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        var batch = Options.CreateBatch();
        batch.Clear(1);
        foreach (var slot in new[] { 4, 0, 2 })
            batch.Add([3], 0, [slot], 1);
        runner.Run(batch);
        Assert.Equal(1, runner.LastRuns);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++)
            runner.Run(batch);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 512);
    }

    [Fact]
    public void Run_WhatNoSlotHolds_IsRefusedAndTheRunnerGoesOn()
    {
        using var folder = new TemporaryFolder();
        using var runner = Open(folder, Fixture.TiedLlama3Rope, "rehearsal");
        var batch = Options.CreateBatch();
        batch.Clear(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => runner.Run(batch));
        batch.Add(new uint[97], 0, [0], 1);
        Assert.Contains(
            "Generator:ContextTokensMax", Assert.Throws<ArgumentException>(() => runner.Run(batch)).Message, StringComparison.Ordinal);
        batch.Clear(1);
        batch.Add([1], 0, [6], 1);
        Assert.Throws<ArgumentException>(() => runner.Run(batch));
        batch.Clear(1);
        batch.Add([1], 0, [2], 1);
        batch.Add([2], 0, [2], 1);
        Assert.Throws<ArgumentException>(() => runner.Run(batch));
        batch.Clear(1);
        batch.Add([1], 0, [2], 1);
        Assert.Equal(Vocabulary, runner.Run(batch).Length);
        runner.Terminate();
        Assert.Throws<OnnxRuntimeException>(() => runner.Run(batch));
        runner.Dispose();
        Assert.Throws<ObjectDisposedException>(() => runner.Run(batch));
    }

    private static void ChangeOwners(SlotModelRunner runner, List<uint>?[] cached, Random random)
    {
        var slot = random.Next(cached.Length);
        var other = random.Next(cached.Length);
        switch (random.Next(4))
        {
            case 0 when cached[slot] is { Count: > 4 }:
                // A copy of the beginning of another's.
                if (slot == other)
                    break;
                runner.CopyBlock(slot, other);
                cached[other] = [.. cached[slot]!.Take(cached[slot]!.Count - 2)];
                break;
            case 1:
                cached[slot] = null;
                break;
            default:
                cached[slot] ??= [];
                break;
        }
    }

    private static SlotModelRunner Open(TemporaryFolder folder, string name, string precision, RunnerOptions? options = null)
    {
        var path = folder.File(precision);
        ModelImport.Run(new ImportOptions
        {
            Source = Fixture.Folder(name),
            Destination = path,
            Precision = precision,
            Attention = GraphTarget.GroupQuery,
        });
        var package = ModelPackage.Open(path, verifyHashes: true);
        var graph = precision == "rehearsal" ? package.ModelPath : WidenedModel.Write(path);
        var session = SessionFactory.Create(graph, Options.Threads, spinMicroseconds: 0, package.Shape, KvCachePrecision.Fp32);
        BindingPlan.Verify(session, package.Shape, Rehearsal, graph);
        return new SlotModelRunner(session, package.Shape, Rehearsal, new PoisonedMemory(), options ?? Options);
    }

    /// <summary>The host's memory in the place of a device's, where what was cleared is no number.</summary>
    private sealed class PoisonedMemory : IDeviceMemory
    {
        private readonly RehearsalMemory _memory = new();

        public string Name => _memory.Name;

        public OrtMemoryInfo Info => _memory.Info;

        public IntPtr Stream => 0;

        public bool OrdersSteps => false;

        public (long Free, long Total) Measure() => _memory.Measure();

        public IntPtr Allocate(long bytes) => _memory.Allocate(bytes);

        public void Free(IntPtr address) => _memory.Free(address);

        public IntPtr AllocatePinned(long bytes) => _memory.AllocatePinned(bytes);

        public void FreePinned(IntPtr address) => _memory.FreePinned(address);

        /// <summary>As allocated: bytes of 0xFF, which are NaN.</summary>
        public void Clear(IntPtr address, long bytes)
        {
        }

        public void Upload(IntPtr device, IntPtr host, long bytes) => _memory.Upload(device, host, bytes);

        public void Download(IntPtr host, IntPtr device, long bytes) => _memory.Download(host, device, bytes);

        public void Copy(IntPtr destination, IntPtr source, long bytes) => _memory.Copy(destination, source, bytes);

        public void Synchronize() => _memory.Synchronize();

        public void Dispose() => _memory.Dispose();
    }
}

using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;

namespace Parley.Generator.Tests.Execution;

/// <summary>The runner over a tiny model: batched equals alone, chunked equals whole, and its life.</summary>
public sealed class OnnxModelRunnerTests : IDisposable
{
    private const float Tolerance = 1e-5f;

    private static readonly RunnerOptions Options = new()
    {
        BlockTokens = 16,
        BlockCount = 40,
        StepTokensMax = 400,
        SequencesMax = 8,
        LogitRowsMax = 16,
        ContextTokensMax = 128,
        Threads = 2,
    };

    private readonly TemporaryFolder _folder = new();
    private readonly OnnxModelRunner _runner;

    public OnnxModelRunnerTests() => _runner = OnnxModelRunner.Create(TinyModel.Write(_folder.Path), TinyModel.Manifest(), Options);

    public void Dispose()
    {
        _runner.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Run_PromptInChunks_EqualsWhole()
    {
        var ids = Ids(100, seed: 1);
        var whole = RunOne(ids, past: 0, blocks: [0, 1, 2, 3, 4, 5, 6], logitRows: 1);

        int[] blocks = [17, 9, 30, 11, 25, 8, 39];
        var first = RunOne(ids.AsSpan(0, 33).ToArray(), 0, blocks, logitRows: 0);
        RunOne(ids.AsSpan(33, 1).ToArray(), 33, blocks, 1);
        var last = RunOne(ids.AsSpan(34).ToArray(), 34, blocks, 1);

        Assert.Empty(first);
        AssertClose(whole, last);
    }

    [Fact]
    public void Run_SequencesTogether_EqualAlone()
    {
        var prompts = Enumerable.Range(0, 4).Select(i => Ids(5 + (20 * i), seed: i)).ToArray();
        var alone = prompts.Select(ids => RunOne(ids, 0, [0, 1, 2, 3, 4], 1)).ToArray();

        var batch = Options.CreateBatch();
        batch.Clear(blockTableWidth: 5);
        // All but the last token come first, in one step of chunks; then one step decodes the last tokens together.
        for (var i = 0; i < prompts.Length; i++)
            batch.Add(prompts[i].AsSpan(0, prompts[i].Length - 1), 0, BlocksOf(i, prompts[i]), 0);
        Assert.Equal(0, _runner.Run(batch).Length);
        batch.Clear(5);
        for (var i = 0; i < prompts.Length; i++)
            batch.Add(prompts[i].AsSpan(prompts[i].Length - 1), prompts[i].Length - 1, BlocksOf(i, prompts[i]), 1);
        var together = _runner.Run(batch).ToArray();

        for (var i = 0; i < prompts.Length; i++)
            AssertClose(alone[i], together.AsSpan(i * _runner.Shape.VocabularySize, _runner.Shape.VocabularySize).ToArray());
    }

    [Fact]
    public void Run_ManyLongPromptsTogether_EqualAlone()
    {
        // Enough work for the parallel paths of writing and attending.
        var prompts = Enumerable.Range(0, 5).Select(i => Ids(70, seed: 20 + i)).ToArray();
        var batch = Options.CreateBatch();
        batch.Clear(blockTableWidth: 5);
        for (var i = 0; i < prompts.Length; i++)
            batch.Add(prompts[i], 0, BlocksOf(i, prompts[i]), 1);
        var together = _runner.Run(batch).ToArray();

        for (var i = 0; i < prompts.Length; i++)
        {
            var alone = RunOne(prompts[i], 0, [30, 31, 32, 33, 34], 1);
            AssertClose(alone, together.AsSpan(i * _runner.Shape.VocabularySize, _runner.Shape.VocabularySize).ToArray());
        }
    }

    [Fact]
    public void Run_SeveralLogitRows_EqualOneByOne()
    {
        var ids = Ids(20, seed: 4);
        var several = RunOne(ids, 0, [0, 1], logitRows: 3);

        for (var i = 0; i < 3; i++)
        {
            var one = RunOne(ids.AsSpan(0, 18 + i).ToArray(), 0, [2, 3], 1);
            AssertClose(one, several.AsSpan(i * _runner.Shape.VocabularySize, _runner.Shape.VocabularySize).ToArray());
        }
    }

    [Fact]
    public void Run_SameShapeAgain_AllocatesNextToNothing()
    {
        var batch = Options.CreateBatch();
        batch.Clear(blockTableWidth: 1);
        batch.Add([3], 0, [0], 1);
        _runner.Run(batch);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++)
            _runner.Run(batch);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 512);
    }

    [Fact]
    public void CopyBlock_OfASharedPrefix_ContinuesLikeTheOriginal()
    {
        var ids = Ids(21, seed: 5);
        RunOne(ids.AsSpan(0, 20).ToArray(), 0, [0, 1], 0);
        _runner.CopyBlock(1, 7);

        var original = RunOne(ids.AsSpan(20).ToArray(), 20, [0, 1], 1);
        var copy = RunOne(ids.AsSpan(20).ToArray(), 20, [0, 7], 1);

        Assert.Equal(original, copy);
    }

    [Theory]
    [InlineData("Fp16", 3e-3f)]
    [InlineData("Int8", 1e-1f)]
    public void Run_NarrowCache_StaysNearFp32AndChunkedIsWhole(string precision, float tolerance)
    {
        var options = Options with { CachePrecision = Enum.Parse<KvCachePrecision>(precision) };
        using var narrow = OnnxModelRunner.Create(Path.Combine(_folder.Path, "model.onnx"), TinyModel.Manifest(), options);
        var ids = Ids(100, seed: 8);
        var exact = RunOne(ids, 0, [0, 1, 2, 3, 4, 5, 6], 1);

        var whole = RunOne(ids, 0, [0, 1, 2, 3, 4, 5, 6], 1, narrow);
        RunOne(ids.AsSpan(0, 63).ToArray(), 0, [17, 9, 30, 11], 0, narrow);
        narrow.CopyBlock(11, 12);
        var chunked = RunOne(ids.AsSpan(63).ToArray(), 63, [17, 9, 30, 12, 25, 8, 39], 1, narrow);

        AssertClose(whole, chunked);
        for (var i = 0; i < exact.Length; i++)
            Assert.Equal(exact[i], whole[i], tolerance);
        Assert.NotEqual(exact, whole);
        var tokenBytes = KvCacheFormat.TokenBytes(options.CachePrecision, TinyModel.Shape);
        Assert.Equal(Options.BlockCount * Options.BlockTokens * tokenBytes, narrow.CacheBytes);
        Assert.Contains(precision.ToLowerInvariant(), narrow.Device, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WrongBlock_ThrowsAndTheNextStepWorks()
    {
        var exception = Assert.Throws<OnnxRuntimeException>(() => RunOne([1], 0, [40], 1));

        Assert.Contains("the cache has 40", exception.Message, StringComparison.Ordinal);
        Assert.NotEmpty(RunOne([1], 0, [0], 1));
    }

    [Fact]
    public void Run_NoTokens_IsRefusedBeforeNativeCode() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _runner.Run(Options.CreateBatch()));

    [Fact]
    public void Terminate_FromAnotherThread_EndsTheStep()
    {
        _runner.Terminate();

        Assert.Throws<OnnxRuntimeException>(() => RunOne([1], 0, [0], 1));
    }

    [Fact]
    public void Dispose_Twice_AndTerminateAfter_AreHarmless()
    {
        _runner.Dispose();
        _runner.Dispose();
        _runner.Terminate();

        Assert.Throws<ObjectDisposedException>(() => RunOne([1], 0, [0], 1));
    }

    [Fact]
    public void Create_TwoRunners_DoNotShareACache()
    {
        var ids = Ids(21, seed: 6);
        using var other = OnnxModelRunner.Create(Path.Combine(_folder.Path, "model.onnx"), TinyModel.Manifest(), Options);
        RunOne(ids.AsSpan(0, 20).ToArray(), 0, [0, 1], 0);
        RunOne(Ids(20, seed: 99), 0, [0, 1], 0, other);

        var mine = RunOne(ids.AsSpan(20).ToArray(), 20, [0, 1], 1);

        AssertClose(RunOne(ids, 0, [2, 3], 1), mine);
    }

    [Fact]
    public void Create_ManifestOfAnotherShape_NamesTheInput()
    {
        var manifest = TinyModel.Manifest() with { Shape = TinyModel.Shape with { Layers = 3 } };

        var exception = Assert.Throws<InvalidDataException>(
            () => OnnxModelRunner.Create(Path.Combine(_folder.Path, "model.onnx"), manifest, Options));

        Assert.Contains("key_cache.2", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_ContextBeyondTheModels_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(
        () => OnnxModelRunner.Create(
            Path.Combine(_folder.Path, "model.onnx"), TinyModel.Manifest(), Options with { ContextTokensMax = 257 }));

    [Fact]
    public void Create_BrokenGraph_NamesTheFile()
    {
        var path = Path.Combine(_folder.Path, "broken.onnx");
        File.WriteAllText(path, "no model");

        var exception = Assert.Throws<InvalidDataException>(() => OnnxModelRunner.Create(path, TinyModel.Manifest(), Options));

        Assert.Contains("broken.onnx", exception.Message, StringComparison.Ordinal);
    }

    private static uint[] Ids(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (uint)random.Next(TinyModel.Shape.VocabularySize))];
    }

    private static int[] BlocksOf(int sequence, uint[] ids) => [.. Enumerable.Range(5 * sequence, (ids.Length + 15) / 16)];

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance);
    }

    private float[] RunOne(uint[] ids, int past, int[] blocks, int logitRows, OnnxModelRunner? runner = null)
    {
        var batch = Options.CreateBatch();
        batch.Clear(blocks.Length);
        batch.Add(ids, past, blocks, logitRows);
        return (runner ?? _runner).Run(batch).ToArray();
    }
}

using Parley.Generator.Execution.Cuda;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Cuda;

/// <summary>What the CUDA path decides before it touches a device: buckets, memory, options.</summary>
public sealed class CudaPlansTests
{
    private const long Gigabyte = 1 << 30;

    /// <summary>Llama-3.2-1B.</summary>
    private static readonly ModelShape Llama = new(16, 2048, 8192, 32, 8, 64, 128_256, 131_072, true);

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(5, 3, 6, 4)]
    [InlineData(7, 9, 8, 16)]
    [InlineData(63, 33, 64, 40)]
    [InlineData(64, 40, 64, 40)]
    public void Bucket_OfADecodeStep_IsTheNextLarger(int sequences, int width, int bucketSequences, int bucketWidth)
    {
        var bucket = new GraphBuckets(64, 40).Find(sequences, sequences, sequences, width)!;

        Assert.Equal((bucketSequences, bucketWidth), (bucket.Sequences, bucket.TableWidth));
    }

    [Theory]
    [InlineData(65, 65, 65, 1)]
    [InlineData(9, 3, 3, 1)]
    [InlineData(3, 3, 2, 1)]
    public void Bucket_OfPromptsDraftsAndLargerSteps_IsNone(int tokens, int sequences, int logitRows, int width) =>
        Assert.Null(new GraphBuckets(64, 40).Find(tokens, sequences, logitRows, width));

    [Fact]
    public void Bucket_Ids_AreDistinctAndFromOneOn()
    {
        var buckets = new GraphBuckets(20, 9);
        var found = (from sequences in Enumerable.Range(1, 20)
                     from width in Enumerable.Range(1, 9)
                     select buckets.Find(sequences, sequences, sequences, width)!).ToList();

        Assert.Equal(Enumerable.Range(1, buckets.Count), found.Select(bucket => bucket.Id).Distinct().Order());
        Assert.Equal(buckets.Count, found.Distinct().Count());
        Assert.Equal(20, found.Max(bucket => bucket.Sequences));
    }

    [Fact]
    public void Bucket_SwitchedOff_IsNone() => Assert.Null(new GraphBuckets(0, 4).Find(1, 1, 1, 1));

    [Theory]
    [InlineData(64, 256)]
    [InlineData(32, 256)]
    [InlineData(128, 128)]
    [InlineData(256, 128)]
    public void Block_FollowsFromTheHeadSize(int headSize, int expected) => Assert.Equal(expected, CudaMemoryPlan.BlockTokens(headSize));

    [Fact]
    public void Memory_OfAnH100_GoesToTheCacheButWhatIsNamed()
    {
        var options = Options();
        var plan = CudaMemoryPlan.Compute(79 * Gigabyte, 3 * Gigabyte, Gigabyte, Gigabyte / 2, 32_768, Llama, options);

        // 0.95 · 79 − 3 − 1 − 0.5 − 1 GB, in blocks of 256 tokens of 32 KB, one of them for filling rows.
        const long blockBytes = 256 * 32_768;
        var expected = ((long)(0.95 * 79 * Gigabyte) - (11 * Gigabyte / 2)) / blockBytes;
        Assert.Equal(expected - 1, plan.Cache.BlockCount);
        Assert.Equal(expected * blockBytes, plan.CacheBytes);
        Assert.InRange(plan.CacheBytes + plan.ArenaBytes, 0, 79 * Gigabyte);
        Assert.InRange(plan.ArenaBytes, 4 * Gigabyte, 79 * Gigabyte);
        Assert.Equal(131_072, plan.Cache.ContextTokensMax);
    }

    [Fact]
    public void Memory_BeyondWhatSequencesCanFill_IsNotTaken()
    {
        var options = Options();
        (options.RunningSequencesMax, options.ContextTokensMax) = (4, 1000);
        var plan = CudaMemoryPlan.Compute(79 * Gigabyte, 3 * Gigabyte, Gigabyte, 0, 32_768, Llama, options);

        Assert.Equal(16, plan.Cache.BlockCount);
        Assert.Equal(1000, plan.Cache.ContextTokensMax);
    }

    [Fact]
    public void Memory_CapOfTheOptions_Holds()
    {
        var options = Options();
        options.Cuda.KvCacheMegabytes = 80;
        var plan = CudaMemoryPlan.Compute(79 * Gigabyte, 3 * Gigabyte, Gigabyte, 0, 32_768, Llama, options);

        Assert.Equal(9, plan.Cache.BlockCount);
        Assert.Equal(9 * 256, plan.Cache.ContextTokensMax);
    }

    [Fact]
    public void Memory_TooLittle_SaysWhatTakesHowMuch()
    {
        var exception = Assert.Throws<InvalidDataException>(
            () => CudaMemoryPlan.Compute(4 * Gigabyte, 3 * Gigabyte, Gigabyte, 0, 32_768, Llama, Options()));

        Assert.Contains("weights 3072 MB", exception.Message, StringComparison.Ordinal);
        Assert.Contains("less than two KV blocks", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_OfSlots_IsOneOfTheContextForEachSequence()
    {
        var options = Options();
        (options.RunningSequencesMax, options.ContextTokensMax) = (64, 8192);
        var plan = CudaMemoryPlan.ComputeSlots(79 * Gigabyte, 3 * Gigabyte, Gigabyte, Gigabyte / 2, 32_768, Llama, options);

        Assert.Equal((64, 8192), (plan.Cache.BlockCount, plan.Cache.ContextTokensMax));
        Assert.Equal(16 * Gigabyte, plan.CacheBytes);
        Assert.Equal((long)(0.95 * 79 * Gigabyte) - (33 * Gigabyte / 2), plan.ArenaBytes);
    }

    /// <summary>256 slots of 131,072 positions of 32 KB are 1,024 GB; 69.5 GB are 17 of them, or 256 of 8,900 positions.</summary>
    [Fact]
    public void Memory_OfSlotsThatDoNotFit_SaysHowManyOrHowLongTheyMayBe()
    {
        var exception = Assert.Throws<InvalidDataException>(
            () => CudaMemoryPlan.ComputeSlots(79 * Gigabyte, 3 * Gigabyte, Gigabyte, Gigabyte / 2, 32_768, Llama, Options()));

        Assert.Contains("17 slots of 131072 positions", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Generator:RunningSequencesMax = 256", exception.Message, StringComparison.Ordinal);
        Assert.Contains("lower that to 17 or Generator:ContextTokensMax to 8902,", exception.Message, StringComparison.Ordinal);
        var options = Options();
        options.RunningSequencesMax = 17;
        Assert.Equal(17, Plan(options).Cache.BlockCount);
        (options.RunningSequencesMax, options.ContextTokensMax) = (256, 8902);
        Assert.Equal(256, Plan(options).Cache.BlockCount);

        static CudaMemoryPlan Plan(GeneratorOptions options) =>
            CudaMemoryPlan.ComputeSlots(79 * Gigabyte, 3 * Gigabyte, Gigabyte, Gigabyte / 2, 32_768, Llama, options);
    }

    [Fact]
    public void Step_Bytes_CoverLogitsAndTheWidestPartOfALayer()
    {
        var bytes = CudaMemoryPlan.StepBytes(Llama, sizeof(ushort), 2048, 256);

        Assert.InRange(bytes, (256L * 128_256 * 6) + (2048L * 8192 * 5 * 2), Gigabyte * 2);
    }

    [Fact]
    public void ProviderOptions_AreThoseOfTheSettings()
    {
        var settings = CudaProviderOptions.Create(new CudaOptions { DeviceId = 3, GraphSequencesMax = 0 }, 1234);

        Assert.Equal("3", settings["device_id"]);
        Assert.Equal("1234", settings["gpu_mem_limit"]);
        Assert.Equal("0", settings["enable_cuda_graph"]);
        Assert.Equal("kSameAsRequested", settings["arena_extend_strategy"]);
        Assert.Equal("1", CudaProviderOptions.Create(new CudaOptions(), 1)["enable_cuda_graph"]);
        Assert.DoesNotContain(CudaProviderOptions.StreamKey, settings.Keys);
        Assert.Equal("1", CudaProviderOptions.SessionEntries["session.disable_cpu_ep_fallback"]);
    }

    private static GeneratorOptions Options() => new() { RunningSequencesMax = 256, PackageDirectory = "unused" };
}

using CsCheck;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Machine;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution;

/// <summary>Weights, a step, the program and the KV cache within what the process may use.</summary>
public sealed class HostMemoryPlanTests
{
    private const long Megabyte = 1 << 20;
    private const int TokenBytes = 32_768;

    /// <summary>Llama 3.2 1B: 32 KB of cache per token in fp16.</summary>
    private static readonly ModelShape Llama = new(16, 2048, 8192, 32, 8, 64, 128_256, 131_072, true);

    private static ProcessLimits Limits(long bytes) =>
        new(4, 4, ControlGroupLimits.None with { MemoryBytes = bytes, MemoryFile = "/sys/fs/cgroup/memory.max" }, 1L << 50, null);

    private static HostMemoryPlan Compute(GeneratorOptions options, long limit, long weights) =>
        HostMemoryPlan.Compute(options, Llama, TokenBytes, weights, Limits(limit));

    [Fact]
    public void Compute_RoomEnough_TakesTheDefault()
    {
        var plan = Compute(new GeneratorOptions(), 16L << 30, 1256 * Megabyte);

        Assert.Equal(1024 * Megabyte, plan.CacheBytes);
        Assert.Equal(1024 * Megabyte / TokenBytes / 32, plan.Cache.BlockCount);
        Assert.Equal(32_768, plan.Cache.ContextTokensMax);
    }

    /// <summary>
    /// Qwen3-30B-A3B: a row and its eight pairs are 9 rows of 2048 bytes with 2 floats for each 16, and 8 of 768 with 4 bytes more.
    /// </summary>
    [Fact]
    public void LargestStep_MixtureOfExperts_HasItsScratch()
    {
        var dense = Llama with { HiddenSize = 2048 };
        var sparse = dense with { Mixture = new MixtureShape(128, 8, 768) };
        long Scratch(int tokens) =>
            HostMemoryPlan.LargestStepBytes(sparse, tokens, 1) - HostMemoryPlan.LargestStepBytes(dense, tokens, 1);
        Assert.InRange(Scratch(512), 512 * 61_000L, 512 * 63_000L);
        Assert.InRange(Scratch(1 << 16), 240 * Megabyte, 256 * Megabyte);
    }

    /// <summary>LFM2 1.2B: ten convolutions of 2048 channels that see three inputs are 160 KB a sequence.</summary>
    [Fact]
    public void Compute_States_AreCountedForEachSequenceAndForSnapshots()
    {
        var shape = Llama with { States = [.. Enumerable.Range(0, 10).Select(i => new StateShape(i, StateShape.Convolution, 2, 2048))] };
        var options = new GeneratorOptions { RunningSequencesMax = 8, StateSnapshotMegabytes = 16 };

        var plan = HostMemoryPlan.Compute(options, shape, TokenBytes, 1256 * Megabyte, Limits(16L << 30));

        Assert.Equal(8 + (16 * 1024 / 160), plan.Cache.StateSlots);
        Assert.Equal(plan.Cache.StateSlots * 160 * 1024, plan.StateBytes);
        Assert.Equal(plan.WeightBytes + plan.StepBytes + plan.ReserveBytes + plan.CacheBytes + plan.StateBytes, plan.NeedBytes);
        options.StateSnapshotMegabytes = 8000;
        var refusal = Assert.Throws<InvalidDataException>(
            () => HostMemoryPlan.Compute(options, shape, TokenBytes, 1256 * Megabyte, Limits(4L << 30))).Message;
        Assert.Contains("Generator:StateSnapshotMegabytes", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain(" 0 states", refusal, StringComparison.Ordinal);
    }

    /// <summary>Layers of unlike heads are as wide as their widest, and rows of tables per layer come and go with a step.</summary>
    [Fact]
    public void LargestStep_UnlikeHeadsAndRowsPerLayer_AreCounted()
    {
        var alike = Llama with { IntermediateSize = 16 };
        var unlike = alike with { OtherHeads = [new LayerHeads(1, alike.KeyValueHeads, 8 * alike.HeadSize)] };
        var rows = unlike with { PerLayerWidth = 256 };
        // Gemma 4's layers without keys of their own have twice the width; a delta rule of 6144 channels is wider than both.
        var wide = alike with { WidestMlp = 20_000 };
        var delta = alike with { States = [new StateShape(0, StateShape.Convolution, 3, 6144)] };
        long Bytes(ModelShape shape) => HostMemoryPlan.LargestStepBytes(shape, 512, 1);

        var width = (alike.QueryHeads + (2L * alike.KeyValueHeads)) * alike.HeadSize * 3;
        Assert.Equal(512L * 7 * width * sizeof(float) * 3 / 2, Bytes(unlike) - Bytes(alike));
        Assert.Equal(512L * ((4 * 20_000) - width) * sizeof(float) * 3 / 2, Bytes(wide) - Bytes(alike));
        Assert.Equal(512L * ((5 * 6144) - width) * sizeof(float) * 3 / 2, Bytes(delta) - Bytes(alike));
        Assert.Equal(512L * 3 * alike.Layers * 256 * sizeof(float) * 3 / 2, Bytes(rows) - Bytes(unlike));
    }

    /// <summary>
    /// GLM-4.7-Flash: 576 numbers a token and layer, where the heads' keys and values would be 10,240; and a step holds queries and
    /// results of all 20 heads in the latent's space.
    /// </summary>
    [Fact]
    public void Latent_CacheAndStep_AreThoseOfTheLatent()
    {
        var shape = new ModelShape(47, 2048, 10_240, 20, 1, 256, 154_880, 202_752, false) { Latent = new LatentShape(512, 64) };

        Assert.Equal(47 * 576 * 2, KvCacheFormat.TokenBytes(KvCachePrecision.Fp16, shape));
        Assert.Equal(47 * (576 + 8), KvCacheFormat.TokenBytes(KvCachePrecision.Int8, shape));
        Assert.Equal(47 * 576, shape.CacheElementsPerToken);
        var wide = shape with { IntermediateSize = 1 };
        var perToken = (HostMemoryPlan.LargestStepBytes(wide, 1001, 1) - HostMemoryPlan.LargestStepBytes(wide, 1, 1)) / 1000;
        Assert.Equal(((4 * 2048) + (20 * 2 * (256 + 512)) + 576) * 4 * 3 / 2, perToken);
    }

    [Fact]
    public void Compute_LittleRoom_LetsTheDefaultGiveWay()
    {
        var plan = Compute(new GeneratorOptions(), 2048 * Megabyte, 1256 * Megabyte);

        Assert.InRange(plan.CacheBytes, 100 * Megabyte, 512 * Megabyte);
        Assert.InRange(plan.NeedBytes, (2048 * Megabyte) - (32L * TokenBytes), 2048 * Megabyte);
    }

    [Fact]
    public void Compute_MoreThanSequencesCanFill_IsNotTaken()
    {
        var options = new GeneratorOptions { ContextTokensMax = 1000, RunningSequencesMax = 2 };

        Assert.Equal((64, 1000), (Compute(options, 16L << 30, 0).Cache.BlockCount, Compute(options, 16L << 30, 0).Cache.ContextTokensMax));
    }

    [Fact]
    public void Compute_ASizeThatIsSet_IsTakenBeyondTheFraction()
    {
        var options = new GeneratorOptions { KvCacheMegabytes = 3000 };

        Assert.Equal(3000 * Megabyte, Compute(options, 4096 * Megabyte, 100 * Megabyte).CacheBytes);
    }

    [Fact]
    public void Compute_ASizeThatIsSetAndDoesNotFit_IsRefusedWithEveryShare()
    {
        var fault = Assert.Throws<InvalidDataException>(
            () => Compute(new GeneratorOptions { KvCacheMegabytes = 1000 }, 2048 * Megabyte, 1256 * Megabyte));

        foreach (var part in new[]
        {
            "2048 MB (/sys/fs/cgroup/memory.max)", "weights 1256 MB", "a step ", "256 MB for the program", "which takes 1000 MB",
            "Lower Generator:KvCacheMegabytes from 1000 to 3", "leave it out", "raise the memory limit to at least 2",
        })
            Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_WeightsAlonePastTheLimit_SaysWhatElseToDo()
    {
        var fault = Assert.Throws<InvalidDataException>(() => Compute(new GeneratorOptions(), 1024 * Megabyte, 1256 * Megabyte));

        Assert.Contains("leave nothing for the KV cache", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Import the model with a smaller precision, lower Generator:StepTokensMax", fault.Message);
    }

    [Fact]
    public void Compute_BlockLargerThanTheSizeThatIsSet_IsRefused()
    {
        var options = new GeneratorOptions { KvCacheMegabytes = 1, KvBlockTokens = 1024 };

        Assert.Contains("raise Generator:KvCacheMegabytes", Assert.Throws<InvalidDataException>(
            () => Compute(options, 16L << 30, 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_AnyModelAndLimit_FitsOrNamesALimitThatDoes() =>
        Gen.Select(Gen.Long[1, 64], Gen.Long[128, 65_536], Gen.Int[0, 4096], Gen.Int[1, 64]).Sample((parts, megabytes, cache, running) =>
        {
            var options = new GeneratorOptions { KvCacheMegabytes = cache, RunningSequencesMax = running };
            var weights = parts << 28;
            try
            {
                Assert.InRange(Compute(options, megabytes * Megabyte, weights).NeedBytes, 1, megabytes * Megabyte);
            }
            catch (InvalidDataException fault)
            {
                var advised = long.Parse(fault.Message.Split("at least ")[^1].Split(' ')[0]);
                Assert.True(advised > megabytes);
                Assert.InRange(Compute(options, advised * Megabyte, weights).NeedBytes, 1, advised * Megabyte);
            }
        });
}

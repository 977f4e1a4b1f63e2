using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Cuda;

/// <summary>Which tensor lives where, and what is written there.</summary>
public sealed class BindingPlanTests
{
    private static readonly ModelShape Shape = new(2, 48, 48, 6, 2, 16, 500, 256, true);
    private static readonly GraphTarget Target = new("cuda", "bf16", "paged", 64);

    [Fact]
    public void Places_AreThoseThatTheOperatorsWant()
    {
        var plan = BindingPlan.Create(Shape, Target, new StepSize(7, 3, 2, 4));
        var places = plan.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Place);

        Assert.Equal(TensorPlace.Host, places["attention_metadata"]);
        Assert.Equal(TensorPlace.Logits, places["logits"]);
        Assert.All(
            ["input_ids", "logit_rows", "cumulative_sequence_length", "past_seqlens", "block_table"],
            name => Assert.Equal(TensorPlace.Upload, places[name]));
        Assert.All(["top_logits", "top_ids", "logit_sums"], name => Assert.Equal(TensorPlace.Download, places[name]));
        Assert.Equal(10, plan.Tensors.Count);
    }

    [Theory]
    [InlineData(TensorPlace.Upload)]
    [InlineData(TensorPlace.Download)]
    public void Tensors_OfARegion_AreAlignedAndDoNotOverlap(object place)
    {
        var plan = BindingPlan.Create(Shape, Target, new StepSize(7, 3, 2, 4));
        var region = plan.Tensors.Where(tensor => tensor.Place == (TensorPlace)place).OrderBy(tensor => tensor.Offset).ToList();
        var end = 0L;
        foreach (var tensor in region)
        {
            Assert.InRange(tensor.Offset, end, long.MaxValue);
            Assert.Equal(0, tensor.Offset % 256);
            end = tensor.Offset + tensor.Bytes;
        }

        Assert.InRange(end, 1, (TensorPlace)place == TensorPlace.Upload ? plan.UploadBytes : plan.DownloadBytes);
    }

    [Fact]
    public void Plan_OfASmallerStep_FitsTheLargestOnesRegions()
    {
        var largest = BindingPlan.Create(Shape, Target, new StepSize(64, 8, 8, 4));
        for (var tokens = 8; tokens <= 64; tokens += 7)
        {
            var plan = BindingPlan.Create(Shape, Target, new StepSize(tokens, 8, 5, 3));
            Assert.InRange(plan.UploadBytes, 1, largest.UploadBytes);
            Assert.InRange(plan.DownloadBytes, 1, largest.DownloadBytes);
        }
    }

    [Fact]
    public void Caches_OfAllLayers_AreInTheActivationsTypeOneAfterAnother()
    {
        var caches = BindingPlan.Caches(Shape, Target, 10, 256);

        Assert.Equal(["key_cache.0", "value_cache.0", "key_cache.1", "value_cache.1"], caches.Select(cache => cache.Name));
        Assert.All(caches, cache => Assert.Equal(TensorElementType.BFloat16, cache.Type));
        Assert.Equal(10L * 256 * 2 * 16 * 2, caches[0].Bytes);
        Assert.Equal(3 * caches[0].Bytes, caches[3].Offset);
        Assert.Equal([10L, 256, 2, 16], caches[0].Shape);
    }

    [Fact]
    public void Candidates_AreNoMoreThanTheVocabulary() =>
        Assert.Equal(50, BindingPlan.CandidatesOf(Shape with { VocabularySize = 50 }, Target));

    [Fact]
    public void Pack_IntoABucket_FillsUpWithRowsOverTheFreeBlock()
    {
        var batch = new StepBatch(16, 8, 4, 8);
        batch.Clear(2);
        batch.Add([11], 300, [5, 6], 1);
        batch.Add([12], 3, [7], 1);
        var size = new StepSize(4, 4, 4, 4);
        var plan = BindingPlan.Create(Shape, Target, size);
        using var memory = new RehearsalMemory();
        using var staging = new DeviceBuffer(memory, plan.UploadBytes, pinned: true);

        StepPacker.Pack(batch, plan, size, fillBlock: 99, staging);

        Assert.Equal([11L, 12, 0, 0], staging.Span<long>(plan.OffsetOf("input_ids"), 4).ToArray());
        Assert.Equal([0L, 1, 2, 3], staging.Span<long>(plan.OffsetOf("logit_rows"), 4).ToArray());
        Assert.Equal([0, 1, 2, 3, 4], staging.Span<int>(plan.OffsetOf("cumulative_sequence_length"), 5).ToArray());
        Assert.Equal([300, 3, 0, 0], staging.Span<int>(plan.OffsetOf("past_seqlens"), 4).ToArray());
        int[] table = [5, 6, 99, 99, 7, 0, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99];
        Assert.Equal(table, staging.Span<int>(plan.OffsetOf("block_table"), 16).ToArray());
    }

    [Fact]
    public void Metadata_IsExactForAStepOfItsOwnAndABoundForReplays()
    {
        var batch = new StepBatch(64, 8, 4, 8);
        batch.Clear(2);
        batch.Add(new uint[9], 20, [5, 6], 1);
        batch.Add(new uint[1], 300, [7], 1);
        Span<int> metadata = stackalloc int[3];

        StepPacker.PackMetadata(batch, captured: false, 2, 256, metadata);
        Assert.Equal([9, 301, 301], metadata.ToArray());

        StepPacker.PackMetadata(batch, captured: true, 4, 256, metadata);
        Assert.Equal([1, 1024, 0], metadata.ToArray());
    }
}

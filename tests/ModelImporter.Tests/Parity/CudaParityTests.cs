using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Model;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>
/// Families as graphs for CUDA, without a card: ONNX Runtime's schemas take them, and what they compute in fp32 on the CPU is what
/// transformers answers. What its operators lack is refused by name.
/// </summary>
public sealed class CudaParityTests
{
    private static readonly RunnerOptions Options = new()
    {
        BlockTokens = 16,
        BlockCount = 64,
        StepTokensMax = 128,
        SequencesMax = 2,
        LogitRowsMax = 4,
        ContextTokensMax = 128,
        Threads = 2,
    };

    private static readonly string[] Refused =
    [
        "llama-dynamic-64", "phi3-longrope-short", "phi3-longrope-long", "phi4-partial-rotary", "glm4", "ministral3-in-mistral3",
        "hunyuan-dense", .. ParityCheckpoint.Mixtures.Select(row => row.Data),
    ];

    public static TheoryData<string, string> Runs { get; } =
    [
        .. ParityCheckpoint.All.Select(row => row.Data).Except(Refused).SelectMany(name =>
            new[] { GraphTarget.Paged, GraphTarget.GroupQuery }.Select(attention => new TheoryDataRow<string, string>(name, attention))),
    ];

    [Theory]
    [MemberData(nameof(Runs))]
    public void Rehearsal_OfAGraphThatRuns_AnswersAsTransformersDoes(string name, string attention)
    {
        var checkpoint = new ParityCheckpoint(name);
        using var folder = new TemporaryFolder();
        using var runner = Open(Import(folder, checkpoint, "rehearsal", attention), attention);
        var batch = Options.CreateBatch();
        foreach (var scene in checkpoint.Cases())
        {
            // A chunk, another, and one token.
            var past = 0;
            foreach (var count in new[] { 40, scene.Ids.Length - 41, 1 })
            {
                batch.Clear(attention == GraphTarget.Paged ? 8 : 1);
                int[] blocks = attention == GraphTarget.Paged ? [.. Enumerable.Range(1, 8)] : [1];
                batch.Add(scene.Ids.AsSpan(past, count), past, blocks, 1);
                runner.Run(batch);
                past += count;
            }

            Assert.InRange(Fixture.RelativeError(((ICandidateRunner)runner).LogitsOf(0), scene.Last), 0, 1e-4);
        }
    }

    /// <summary>ONNX Runtime checks the whole graph against its schemas before it looks for kernels, which the CPU has not.</summary>
    [Theory]
    [MemberData(nameof(Runs))]
    public void Schemas_OfOnnxRuntime_AcceptTheGraph(string name, string attention)
    {
        using var folder = new TemporaryFolder();
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
        var package = Import(folder, new ParityCheckpoint(name), "bf16", attention);

        var exception = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(Path.Combine(package, "model.onnx"), options));

        Assert.Contains("Could not find an implementation", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama-dynamic-64", "dynamic beyond 64 tokens")]
    [InlineData("phi3-longrope-long", "longrope beyond 40 tokens")]
    [InlineData("phi4-partial-rotary", "rotation of 12 dimensions")]
    [InlineData("glm4", "rotation of 8 dimensions")]
    [InlineData("ministral3-in-mistral3", "scaling of queries by position")]
    [InlineData("hunyuan-dense", "norms of queries and keys behind the rotation")]
    public void Import_WhatTheOperatorsLack_IsRefusedByName(string name, string missing)
    {
        using var folder = new TemporaryFolder();

        var exception = Assert.Throws<InvalidDataException>(
            () => Import(folder, new ParityCheckpoint(name), "bf16", GraphTarget.Paged));

        Assert.Contains("PagedAttention has no", exception.Message, StringComparison.Ordinal);
        Assert.Contains(missing, exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Within the border longrope is one set of factors, and runs.</summary>
    [Fact]
    public void Import_LongRopeWithinItsBorder_Runs()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = new ParityCheckpoint("phi3-longrope-short");
        ModelImport.Run(new ImportOptions
        {
            Source = checkpoint.Folder,
            Destination = folder.File("package"),
            Precision = "bf16",
            ContextTokensMax = 160,
        });
    }

    private static string Import(TemporaryFolder folder, ParityCheckpoint checkpoint, string precision, string attention) =>
        ModelImport.Run(new ImportOptions
        {
            Source = checkpoint.Folder,
            Destination = folder.File("package"),
            Precision = precision,
            Attention = attention,
        }).Path;

    private static IModelRunner Open(string path, string attention)
    {
        var package = ModelPackage.Open(path);
        var target = new GraphTarget("rehearsal", "fp32", attention, 64);
        var session = SessionFactory.Create(package.ModelPath, Options.Threads, spinMicroseconds: 0, package.Shape, KvCachePrecision.Fp32);
        BindingPlan.Verify(session, package.Shape, target, package.ModelPath);
        var slots = Options with { BlockTokens = 128, BlockCount = 4 };
        return attention == GraphTarget.Paged
            ? new CudaModelRunner(session, package.Shape, target, new RehearsalMemory(), Options, graphSequencesMax: 2)
            : new SlotModelRunner(session, package.Shape, target, new RehearsalMemory(), slots);
    }
}

using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Model;
using Parley.ModelImporter.Tests.Graph;
using Parley.PackageFormat;
using Parley.TestSupport;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

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
        "hunyuan-dense", "lfm2", "lfm3", "qwen3.5-in-multimodal", "granite4-hybrid", "gemma4-e-in-multimodal", "glm4-moe-lite-mla",
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
    [InlineData("gemma4-e-in-multimodal", "norms of values")]
    [InlineData("glm4-moe-lite-mla", "cache of latents")]
    public void Import_WhatTheOperatorsLack_IsRefusedByName(string name, string missing)
    {
        using var folder = new TemporaryFolder();

        var exception = Assert.Throws<InvalidDataException>(
            () => Import(folder, new ParityCheckpoint(name), "bf16", GraphTarget.Paged));

        Assert.Contains("PagedAttention has no", exception.Message, StringComparison.Ordinal);
        Assert.Contains(missing, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lfm2", GraphTarget.Paged)]
    [InlineData("lfm3", GraphTarget.GroupQuery)]
    public void Import_LayersWithAState_AreRefusedByName(string name, string attention)
    {
        using var folder = new TemporaryFolder();

        var exception = Assert.Throws<InvalidDataException>(() => Import(folder, new ParityCheckpoint(name), "bf16", attention));

        Assert.Contains(
            "no operator for layers with a state of a fixed size (ShortConvolution)", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("glm4_moe", """{"n_routed_experts":8,"num_experts_per_tok":2,"head_dim":64}""", "bf16", "MoE has no sigmoid")]
    [InlineData(
        "glm4_moe", """{"n_routed_experts":8,"num_experts_per_tok":2,"head_dim":64,"n_group":2}""", "int4-fp16", "QMoE has no groups")]
    [InlineData("qwen3_moe", """{"num_experts":8,"moe_intermediate_size":96,"head_dim":16}""", "int4-fp16", "divide both 64 and 96")]
    [InlineData("qwen3_moe", """{"num_experts":8,"moe_intermediate_size":36,"head_dim":16}""", "fp16", "width of 36")]
    public void Import_MixtureThatMoELacks_IsRefusedByName(string modelType, string fields, string precision, string missing)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, fields, seed: 1);

        var message = Assert.Throws<InvalidDataException>(() => ModelImport.Run(
            new ImportOptions { Source = source, Destination = folder.File("package"), Precision = precision })).Message;

        Assert.Contains("does not run on CUDA", message, StringComparison.Ordinal);
        Assert.Contains(missing, message, StringComparison.Ordinal);
    }

    /// <summary>Choices and factors that no checkpoint has, against the plain forward pass.</summary>
    [Theory]
    [InlineData("qwen3_moe", """{"num_experts":8,"num_experts_per_tok":3,"moe_intermediate_size":48,"norm_topk_prob":true}""")]
    [InlineData("qwen3_moe", """{"num_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":32,"mlp_only_layers":[0,2]}""")]
    [InlineData("granitemoeshared", """{"num_local_experts":6,"num_experts_per_tok":2,"shared_intermediate_size":48}""")]
    public void Rehearsal_OfAMixture_AnswersAsThePlainForwardDoes(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, """{"rms_norm_eps":1e-5,""" + fields[1..], seed: fields.Length);
        using var runner = Open(Import(folder, source, "rehearsal", GraphTarget.Paged), GraphTarget.Paged);
        uint[] ids = [.. Enumerable.Range(0, 60).Select(i => (uint)((i * 37) % 384))];
        var batch = Options.CreateBatch();
        batch.Clear(8);
        batch.Add(ids, 0, [.. Enumerable.Range(1, 8)], 1);

        runner.Run(batch);

        var expected = new FamilyForward(source).Logits([.. ids.Select(id => (int)id)])[^1];
        Assert.InRange(
            Fixture.RelativeError(((ICandidateRunner)runner).LogitsOf(0), [.. expected.Select(value => (float)value)]), 0, 1e-4);
    }

    /// <summary>
    /// Experts that lie on a grid of 4 bits are brought back by it, so what is left of the difference are embedding and head, rounded to 8
    /// bits, and a choice that tips over for it: a code, a zero point or a row in the wrong place would be as large as the logits.
    /// </summary>
    [Theory]
    [InlineData("qwen3_moe", """{"num_experts":8,"num_experts_per_tok":3,"moe_intermediate_size":64,"norm_topk_prob":true}""")]
    [InlineData("qwen3_moe", """{"num_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":128,"norm_topk_prob":false}""")]
    [InlineData("granitemoe", """{"num_local_experts":6,"num_experts_per_tok":2,"intermediate_size":128}""")]
    [InlineData("glm4_moe",
        """
        {"n_routed_experts":8,"num_experts_per_tok":3,"moe_intermediate_size":64,"intermediate_size":128,"n_shared_experts":1,
         "routed_scaling_factor":1.5,"head_dim":32}
        """)]
    public void Int4Rehearsal_OfExpertsOnAGrid_AnswersAsThePlainForwardDoes(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, """{"rms_norm_eps":1e-5,""" + fields[1..], seed: fields.Length);
        RandomCheckpoint.PutOnGrid(source, block: 64);
        using var runner = Open(Import(folder, source, "int4-rehearsal", GraphTarget.Paged), GraphTarget.Paged);
        uint[] ids = [.. Enumerable.Range(0, 60).Select(i => (uint)((i * 37) % 384))];
        var batch = Options.CreateBatch();
        batch.Clear(8);
        batch.Add(ids, 0, [.. Enumerable.Range(1, 8)], 4);

        runner.Run(batch);

        var expected = new FamilyForward(source).Logits([.. ids.Select(id => (int)id)]);
        var error = new LogitError();
        for (var row = 0; row < 4; row++)
        {
            error.Add(((ICandidateRunner)runner).LogitsOf(row).ToArray(),
                [.. expected[ids.Length - 4 + row].Select(value => (float)value)]);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{modelType}: {error}");
        Assert.InRange(error.RootMeanSquare, 0, 0.08);
    }

    /// <summary>The operator's own order and type: a gate, its up, the next gate; fp32 for the choice.</summary>
    [Theory]
    [InlineData("bf16", DataType.Bfloat16)]
    [InlineData("fp16", DataType.Float16)]
    public void MoE_Node_IsThatOfTheSchema(string precision, object type)
    {
        using var folder = new TemporaryFolder();
        var checkpoint = new ParityCheckpoint("olmoe");
        var graph = WidenedModel.Read(Import(folder, checkpoint, precision, GraphTarget.Paged)).Graph;
        var config = CheckpointReader.ReadConfig(checkpoint.Folder);
        var mixture = config.Mixture!;

        var nodes = graph.Node.Where(node => node.OpType == "MoE").ToList();
        Assert.Equal(config.Shape.Layers, nodes.Count);
        Assert.All(nodes, node =>
        {
            Assert.Equal("com.microsoft", node.Domain);
            Assert.Equal(5, node.Input.Count);
            Assert.Equal("", node.Input[3]);
            var weights = new[] { 2, 4 }.Select(i => graph.Initializer.Single(tensor => tensor.Name == node.Input[i])).ToList();
            Assert.All(weights, tensor => Assert.Equal((DataType)type, tensor.DataType));
            Assert.Equal([mixture.Experts, 2 * mixture.Width, config.Shape.HiddenSize], weights[0].Dims);
            Assert.Equal([mixture.Experts, config.Shape.HiddenSize, mixture.Width], weights[1].Dims);
            var attributes = node.Attribute.ToDictionary(attribute => attribute.Name);
            Assert.Equal("swiglu", attributes["activation_type"].S.ToStringUtf8());
            Assert.Equal(1, attributes["swiglu_fusion"].I);
            Assert.Equal(mixture.Chosen, attributes["k"].I);
            Assert.Equal(mixture.Normalizes ? 1 : 0, attributes["normalize_routing_weights"].I);
            Assert.Equal((1f, 0f), (attributes["activation_alpha"].F, attributes["activation_beta"].F));
            Assert.DoesNotContain("swiglu_limit", attributes.Keys);
            var cast = graph.Node.Single(other => other.Output[0] == node.Input[1]);
            Assert.Equal("Cast", cast.OpType);
            Assert.Equal(DataType.Float, graph.Initializer.Single(
                tensor => tensor.Name == graph.Node.Single(other => other.Output[0] == cast.Input[0]).Input[1]).DataType);
        });
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
        Import(folder, checkpoint.Folder, precision, attention);

    private static string Import(TemporaryFolder folder, string source, string precision, string attention) =>
        ModelImport.Run(new ImportOptions
        {
            Source = source,
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

using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Tests.Graph;

/// <summary>The structure of graphs for CUDA: operators, inputs by index, types and attributes.</summary>
public sealed class CudaGraphTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("fp16", DataType.Float16)]
    [InlineData("bf16", DataType.Bfloat16)]
    [InlineData("int4-fp16", DataType.Float16)]
    public void PagedAttention_InputsByIndex_AreThoseOfTheSchema(string precision, object type)
    {
        var graph = WidenedModel.Read(Import(precision)).Graph;
        var nodes = graph.Node.Where(node => node.OpType == "PagedAttention").ToList();
        var shape = Manifest().Shape;

        Assert.Equal(shape.Layers, nodes.Count);
        for (var layer = 0; layer < nodes.Count; layer++)
        {
            var node = nodes[layer];
            Assert.Equal("com.microsoft", node.Domain);
            Assert.Equal(17, node.Input.Count);
            Assert.Equal($"layers.{layer}.qkv.biased", node.Input[0]);
            Assert.Equal(["", ""], node.Input.Skip(1).Take(2));
            Assert.Equal([$"key_cache.{layer}", $"value_cache.{layer}"], node.Input.Skip(3).Take(2));
            Assert.Equal(["cumulative_sequence_length", "past_seqlens", "block_table"], node.Input.Skip(5).Take(3));
            Assert.Equal(["rotary.cos", "rotary.sin"], node.Input.Skip(8).Take(2));
            Assert.All(node.Input.Skip(10).Take(6), Assert.Empty);
            Assert.Equal("attention_metadata", node.Input[16]);
            Assert.Single(node.Output);
            var attributes = node.Attribute.ToDictionary(attribute => attribute.Name);
            Assert.Equal(shape.QueryHeads, attributes["num_heads"].I);
            Assert.Equal(shape.KeyValueHeads, attributes["kv_num_heads"].I);
            Assert.Equal(1, attributes["do_rotary"].I);
            Assert.Equal(-1, attributes["local_window_size"].I);
            Assert.Equal(1 / Math.Sqrt(shape.HeadSize), attributes["scale"].F, 1e-6);
        }

        var expected = (DataType)type;
        Assert.Equal(expected, TypeOf(graph, "key_cache.0"));
        Assert.Equal(expected, TypeOf(graph, "value_cache.1"));
        Assert.Equal(expected, graph.Initializer.Single(tensor => tensor.Name == "rotary.cos").DataType);
        Assert.Equal(DataType.Int32, TypeOf(graph, "attention_metadata"));
        Assert.DoesNotContain(graph.Initializer, tensor => tensor.DataType == DataType.Float);
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("int4-fp16")]
    public void Outputs_AreLogitsInFp32WithTheirBestBesideThem(string precision)
    {
        var graph = WidenedModel.Read(Import(precision)).Graph;

        Assert.Equal(["logits", "top_logits", "top_ids", "logit_sums"], graph.Output.Select(output => output.Name));
        Assert.Equal(
            [DataType.Float, DataType.Float, DataType.Int64, DataType.Float], graph.Output.Select(o => o.Type.TensorType.ElemType));
        Assert.Equal(64, graph.Output[1].Type.TensorType.Shape.Dim[1].DimValue);
        var candidates = graph.Node.Single(node => node.OpType == "TopK");
        Assert.Equal("logits", candidates.Input[0]);
        Assert.All(["largest", "sorted"], name => Assert.Equal(1, candidates.Attribute.Single(a => a.Name == name).I));
        var cast = graph.Node.Single(node => node.OpType == "Cast");
        Assert.Equal("logits", cast.Output[0]);
    }

    [Theory]
    [InlineData("bf16", "Add Cast Gather Gemm Mul PagedAttention QuickGelu ReduceSum SimplifiedLayerNormalization "
        + "SkipSimplifiedLayerNormalization Split TopK")]
    [InlineData("int4-fp16", "Add Cast Gather GatherBlockQuantized MatMulNBits Mul PagedAttention QuickGelu ReduceSum "
        + "SimplifiedLayerNormalization SkipSimplifiedLayerNormalization Split TopK")]
    public void Operators_AreThoseThatCudaHas(string precision, string operators) =>
        Assert.Equal(
            operators.Split(' '), WidenedModel.Read(Import(precision)).Graph.Node.Select(node => node.OpType).Distinct().Order());

    [Fact]
    public void Int4_HasWholeZeroPointsAndTheActivationsTypeInScales()
    {
        var graph = WidenedModel.Read(Import("int4-fp16")).Graph;
        var initializers = graph.Initializer.ToDictionary(tensor => tensor.Name);
        foreach (var node in graph.Node.Where(node => node.OpType == "MatMulNBits" && node.Name != "logits.narrow"))
        {
            var attributes = node.Attribute.ToDictionary(attribute => attribute.Name, attribute => attribute.I);
            var blocks = attributes["K"] / attributes["block_size"];
            Assert.Equal(4, attributes["bits"]);
            Assert.Equal(0, attributes["accuracy_level"]);
            Assert.Equal([attributes["N"], blocks, attributes["block_size"] / 2], initializers[node.Input[1]].Dims);
            Assert.Equal([attributes["N"], blocks], initializers[node.Input[2]].Dims);
            Assert.Equal(DataType.Float16, initializers[node.Input[2]].DataType);
            Assert.Equal([attributes["N"], (blocks + 1) / 2], initializers[node.Input[3]].Dims);
            Assert.Equal(DataType.Uint8, initializers[node.Input[3]].DataType);
        }
    }

    [Fact]
    public void GroupQuery_HasSlotsAndTheirOutputs()
    {
        var graph = WidenedModel.Read(Import("bf16", GraphTarget.GroupQuery)).Graph;
        var node = graph.Node.First(node => node.OpType == "GroupQueryAttention");

        Assert.Equal("com.microsoft", node.Domain);
        Assert.Equal(["", ""], node.Input.Skip(1).Take(2));
        Assert.Equal(
            ["key_cache.0", "value_cache.0", "seqlens_k", "total_sequence_length", "rotary.cos", "rotary.sin"], node.Input.Skip(3));
        Assert.Equal(["key_cache_out.0", "value_cache_out.0"], node.Output.Skip(1));
        Assert.DoesNotContain(graph.Node, other => other.OpType == "PagedAttention");
        Assert.Contains("key_cache_out.1", graph.Output.Select(output => output.Name));
    }

    /// <summary>ONNX Runtime checks the whole graph against its schemas before it looks for kernels, which the CPU has not.</summary>
    [Theory]
    [InlineData(GraphTarget.Paged)]
    [InlineData(GraphTarget.GroupQuery)]
    public void Schemas_OfOnnxRuntime_AcceptTheGraph(string attention)
    {
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;

        var exception = Assert.Throws<OnnxRuntimeException>(
            () => new InferenceSession(Path.Combine(Import("bf16", attention), "model.onnx"), options));

        Assert.Contains("Could not find an implementation", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>The rehearsal that everything else is tried on is the CUDA graph but for types and the attention's domain.</summary>
    [Theory]
    [InlineData("bf16", "rehearsal")]
    [InlineData("int4-fp16", "int4-rehearsal")]
    public void Rehearsal_IsTheSameGraphNodeByNode(string precision, string rehearsal)
    {
        var cuda = WidenedModel.Read(Import(precision)).Graph;
        var cpu = WidenedModel.Read(Import(rehearsal)).Graph;

        Assert.Equal(Lines(cuda), Lines(cpu));
        Assert.Equal(cuda.Initializer.Select(tensor => (tensor.Name, tensor.Dims)), cpu.Initializer.Select(t => (t.Name, t.Dims)));
        Assert.Equal(cuda.Input.Select(input => input.Name), cpu.Input.Select(input => input.Name));
        Assert.Equal(cuda.Output, cpu.Output);
    }

    [Fact]
    public void Weights_OfABFloat16Checkpoint_ComeOverBitByBit()
    {
        var package = Import("bf16");
        var data = File.ReadAllBytes(Path.Combine(package, "model.data"));
        using var tensors = CheckpointTensors.Open(Fixture.Folder(Fixture.UntiedHeadDim32));
        var graph = WidenedModel.Read(package).Graph;
        foreach (var (initializer, source) in new[]
        {
            ("layers.0.down.weight", "model.layers.0.mlp.down_proj.weight"), ("embedding.weight", "model.embed_tokens.weight"),
            ("head.weight", "lm_head.weight"), ("layers.1.mlp_norm.weight", "model.layers.1.post_attention_layernorm.weight"),
        })
        {
            var bytes = WidenedModel.Bytes(graph.Initializer.Single(tensor => tensor.Name == initializer), data);
            var values = new float[bytes.Length / 2];
            tensors.Read(source, 0, values);
            Assert.All(Enumerable.Range(0, values.Length), i =>
                Assert.Equal(BitConverter.SingleToUInt32Bits(values[i]) >> 16, BitConverter.ToUInt16(bytes, 2 * i)));
        }
    }

    [Fact]
    public void Manifest_RecordsTheDevice()
    {
        Import("fp16");

        Assert.Equal(new GraphTarget("cuda", "fp16", "paged", 64), Manifest().Target);
    }

    [Theory]
    [InlineData("int8", GraphTarget.GroupQuery)]
    [InlineData("bf16", "flash")]
    public void Import_AttentionThatIsNotToBeHad_IsRefused(string precision, string attention) =>
        Assert.Throws<ArgumentException>(() => Import(precision, attention));

    private static IEnumerable<string> Lines(GraphProto graph) =>
        from node in graph.Node
        where node.OpType != "Cast"
        let inputs = node.Input.Take(node.OpType == "PagedAttention" ? 10 : int.MaxValue)
        let outputs = node.Output.Select(output => output.Replace("logits.narrow", "logits", StringComparison.Ordinal))
        select $"{node.OpType}({string.Join(',', inputs)}) → {string.Join(',', outputs)} {string.Join(' ', node.Attribute)}";

    private static DataType TypeOf(GraphProto graph, string input) =>
        graph.Input.Single(value => value.Name == input).Type.TensorType.ElemType;

    private ModelManifest Manifest()
    {
        var path = Path.Combine(Directory.GetDirectories(_folder.Path).Single(), ModelManifest.FileName);
        return ModelManifest.Parse(File.ReadAllText(path), path);
    }

    private string Import(string precision, string attention = GraphTarget.Paged) => ModelImport.Run(new ImportOptions
    {
        Source = Fixture.Folder(Fixture.UntiedHeadDim32),
        Destination = _folder.File($"{precision}-{attention}"),
        Precision = precision,
        Attention = attention,
    }).Path;
}

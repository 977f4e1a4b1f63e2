using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>How linears are stored and computed: one implementation per way, chosen by the precision.</summary>
internal abstract class LinearFormat
{
    /// <summary>Bytes that one worker holds at most while it converts a chunk.</summary>
    protected const int ChunkBytes = 4 << 20;

    private const string SplitName = "mlp.split";
    private bool _split;

    /// <summary>Adds the nodes and initializers of a linear.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="linear">The weights.</param>
    /// <param name="input">Value [rows, inputs].</param>
    /// <returns>Value [rows, outputs].</returns>
    public string Emit(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input) =>
        AddBias(graph, tensors, linear, EmitProduct(graph, tensors, linear, input));

    /// <summary>Adds a linear and the norm in front of it.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="linear">The weights.</param>
    /// <param name="norm">The norm.</param>
    /// <param name="stream">The residual stream [rows, inputs].</param>
    /// <returns>Value [rows, outputs], and the stream with its update.</returns>
    public virtual (string Output, string Residual) EmitNormalized(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, NormEmitter norm, ResidualStream stream)
    {
        var (normalized, residual) = norm.Emit(stream);
        return (Emit(graph, tensors, linear, normalized), residual);
    }

    /// <summary>The same where the first half of the outputs is the gate of the second: SiLU(gate) · up.</summary>
    /// <returns>Value [rows, outputs / 2], and the stream with its update.</returns>
    public virtual (string Output, string Residual) EmitNormalizedGated(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, NormEmitter norm, ResidualStream stream)
    {
        var (product, residual) = EmitNormalized(graph, tensors, linear, norm, stream);
        if (!_split)
        {
            graph.Constant<long>(SplitName, DataType.Int64, [linear.Outputs / 2, linear.Outputs / 2], 2);
            _split = true;
        }

        var name = linear.Name;
        var halves = graph.Node($"{name}.split", "Split", "", [product, SplitName], [$"{name}.gate", $"{name}.up"], ("axis", -1));
        var activated = graph.Node($"{name}.silu", "QuickGelu", OnnxGraphBuilder.MicrosoftDomain, [halves[0]], ("alpha", 1f));
        return (graph.Node($"{name}.gated", "Mul", "", [activated, halves[1]]), residual);
    }

    /// <summary>Adds the bias, where the checkpoint has one.</summary>
    protected static string AddBias(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string product)
    {
        if (!linear.HasBias)
            return product;
        var type = graph.Activations;
        var bias = type.Reserve(graph, $"{linear.Name}.bias", linear.Outputs);
        graph.Fill((data, _) => type.Write(data, bias, 0, linear.ReadBias(tensors)), bias);
        return graph.Node($"{linear.Name}.biased", "Add", "", [product, bias.Name]);
    }

    /// <summary>Adds the product without its bias.</summary>
    protected internal abstract string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input);

    /// <summary>Runs <paramref name="body"/>(first, count) over chunks of <paramref name="total"/> items in parallel.</summary>
    protected static void ForChunks(int total, int chunk, ParallelOptions options, Action<int, int> body) =>
        Parallel.For(0, (total + chunk - 1) / chunk, options, index => body(index * chunk, Math.Min(chunk, total - (index * chunk))));
}

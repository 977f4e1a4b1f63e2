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
    public string Emit(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var product = EmitProduct(graph, tensors, linear, input);
        if (!linear.HasBias)
            return product;
        var type = graph.Activations;
        var bias = type.Reserve(graph, $"{linear.Name}.bias", linear.Outputs);
        graph.Fill((data, _) => type.Write(data, bias, 0, linear.ReadBias(tensors)), bias);
        return graph.Node($"{linear.Name}.biased", "Add", "", [product, bias.Name]);
    }

    /// <summary>Adds a linear whose first half of outputs is the gate of the second: SiLU(gate) · up.</summary>
    /// <returns>Value [rows, outputs / 2].</returns>
    public virtual string EmitGated(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var product = Emit(graph, tensors, linear, input);
        if (!_split)
        {
            graph.Constant<long>(SplitName, DataType.Int64, [linear.Outputs / 2, linear.Outputs / 2], 2);
            _split = true;
        }

        var name = linear.Name;
        var halves = graph.Node($"{name}.split", "Split", "", [product, SplitName], [$"{name}.gate", $"{name}.up"], ("axis", -1));
        var activated = graph.Node($"{name}.silu", "QuickGelu", OnnxGraphBuilder.MicrosoftDomain, [halves[0]], ("alpha", 1f));
        return graph.Node($"{name}.gated", "Mul", "", [activated, halves[1]]);
    }

    /// <summary>Adds the product without its bias.</summary>
    protected abstract string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input);

    /// <summary>Runs <paramref name="body"/>(first, count) over chunks of <paramref name="total"/> items in parallel.</summary>
    protected static void ForChunks(int total, int chunk, ParallelOptions options, Action<int, int> body) =>
        Parallel.For(0, (total + chunk - 1) / chunk, options, index => body(index * chunk, Math.Min(chunk, total - (index * chunk))));
}

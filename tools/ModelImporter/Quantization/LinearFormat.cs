using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>How linears are stored and computed: one implementation per way, chosen by the precision.</summary>
internal abstract class LinearFormat
{
    /// <summary>Bytes that one worker holds at most while it converts a chunk.</summary>
    protected const int ChunkBytes = 4 << 20;

    /// <summary>Adds the nodes and initializers of a linear.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="linear">The weights.</param>
    /// <param name="input">Value [rows, inputs].</param>
    /// <returns>Value [rows, outputs].</returns>
    public string Emit(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input) =>
        AddBias(graph, tensors, linear, EmitProduct(graph, tensors, linear, input));

    /// <summary>Adds a linear and the norm in front of it, where there is one.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="linear">The weights.</param>
    /// <param name="input">What it multiplies [rows, inputs].</param>
    /// <returns>Value [rows, outputs], and the stream with its update.</returns>
    public virtual (string Output, string Residual) Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, LinearInput input)
    {
        var (value, residual) = input.Emit(graph, linear.Name);
        return (Emit(graph, tensors, linear, value), residual);
    }

    /// <summary>Whether one operator can apply the gate, too: the first half of the outputs is that of the second.</summary>
    public virtual bool CanGate(CheckpointTensors tensors, LinearWeights linear, Activation activation) => false;

    /// <summary>The same as <see cref="Emit(OnnxGraphBuilder, CheckpointTensors, LinearWeights, LinearInput)"/> with the gate:
    /// activation(gate) · up.</summary>
    /// <returns>Value [rows, outputs / 2], and the stream with its update.</returns>
    public virtual (string Output, string Residual) EmitGated(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, LinearInput input, Activation activation) =>
        throw new NotSupportedException();

    /// <summary>How experts are stored and computed.</summary>
    /// <exception cref="NotSupportedException">This format has none.</exception>
    public virtual ExpertFormat Experts => throw new NotSupportedException($"{GetType().Name} has no experts.");

    /// <summary>How linears that each head has of its own are stored and computed.</summary>
    /// <exception cref="NotSupportedException">This format has none.</exception>
    public virtual PerHeadFormat PerHead => throw new NotSupportedException($"{GetType().Name} has no linears per head.");

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

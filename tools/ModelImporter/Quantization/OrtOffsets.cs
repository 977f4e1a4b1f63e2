using Parley.ModelImporter.Graph;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Offsets of blocks of inputs on ONNX Runtime's operators, which have none: one small product of the sums of the blocks' inputs,
/// Σ x · offset = offset · Σ x.
/// </summary>
internal sealed class OrtOffsets
{
    private readonly HashSet<string> _constants = [];

    /// <summary>Plans offsets [blocks, outputs].</summary>
    public static TensorTarget Reserve(OnnxGraphBuilder graph, string name, int blocks, int outputs) =>
        graph.Reserve($"{name}.offset", DataType.Float, (long)outputs * blocks * sizeof(float), blocks, outputs);

    /// <summary>Adds what the offsets make of a value to a product.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">Name of the linear.</param>
    /// <param name="input">Value [rows, inputs].</param>
    /// <param name="product">Value [rows, outputs].</param>
    /// <param name="offsets">Reserved offsets.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="block">Inputs of a block.</param>
    /// <returns>Value [rows, outputs] of the linear's name.</returns>
    public string Add(OnnxGraphBuilder graph, string name, string input, string product, TensorTarget offsets, int blocks, int block)
    {
        var shape = $"quantize.blocks.{blocks}x{block}";
        if (_constants.Add(shape))
            graph.Constant<long>(shape, DataType.Int64, [0, blocks, block], 3);
        if (_constants.Add("quantize.last"))
            graph.Constant<long>("quantize.last", DataType.Int64, [-1], 1);
        var blocked = graph.Node($"{name}.blocked", "Reshape", "", [input, shape]);
        var sums = graph.Node($"{name}.sums", "ReduceSum", "", [blocked, "quantize.last"], ("keepdims", 0));
        var offset = graph.Node($"{name}.correction", "MatMul", "", [sums, offsets.Name]);
        return graph.Node(name, "Add", "", [product, offset]);
    }
}

using Parley.ModelImporter.Architectures;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>Gates of the heads, one number each: columns behind queries, keys and values, and the product behind attention.</summary>
internal sealed class HeadGateEmitter(OnnxGraphBuilder graph, DecoderConfig config)
{
    private const string SplitName = "head_gate.split";
    private const string HeadShapeName = "head_gate.heads";
    private const string GateShapeName = "head_gate.gates";
    private const string FlatShapeName = "head_gate.flat";

    /// <summary>Parts queries, keys and values from the gates.</summary>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="rows">Value [tokens, both].</param>
    public (string Qkv, string Gate) Split(int layer, string rows)
    {
        var shape = config.Shape;
        if (graph.TryClaim(SplitName))
        {
            long width = shape.QueryHeads * shape.HeadSize;
            graph.Constant<long>(
                SplitName, DataType.Int64, [width + (2L * shape.KeyValueHeads * shape.HeadSize), shape.QueryHeads], 2);
            graph.Constant<long>(HeadShapeName, DataType.Int64, [-1, shape.QueryHeads, shape.HeadSize], 3);
            graph.Constant<long>(GateShapeName, DataType.Int64, [-1, shape.QueryHeads, 1], 3);
            graph.Constant<long>(FlatShapeName, DataType.Int64, [-1, width], 2);
        }

        var name = $"layers.{layer}";
        var parts = graph.Node(
            $"{name}.qkv.gated", "Split", "", [rows, SplitName], [$"{name}.qkv.plain", $"{name}.head_gate"], ("axis", -1));
        return (parts[0], parts[1]);
    }

    /// <summary>Multiplies the heads.</summary>
    /// <returns>Value [tokens, query heads · head size].</returns>
    public string Emit(int layer, string heads, string gate)
    {
        var name = $"layers.{layer}.head_gate";
        var open = graph.Node($"{name}.open", "Sigmoid", "", [gate]);
        var product = graph.Node(
            $"{name}.product", "Mul", "",
            [
                graph.Node($"{name}.heads", "Reshape", "", [heads, HeadShapeName]),
                graph.Node($"{name}.each", "Reshape", "", [open, GateShapeName]),
            ]);
        return graph.Node($"{name}.gated", "Reshape", "", [product, FlatShapeName]);
    }
}

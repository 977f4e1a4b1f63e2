using Parley.ModelImporter.Graph.Onnx;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Exports;

/// <summary>
/// Puts a choice of rows in front of the head: an exporter computes the logits of all tokens, and of a prompt one row is wanted. The head
/// is what multiplies; behind it nothing may mix rows.
/// </summary>
internal static class LogitRowsCut
{
    private const string Input = "logit_rows";
    private const string Prefix = "/parley/logit_rows";

    private static readonly string[] Products = ["MatMul", "MatMulNBits", "Gemm", "FusedMatMul"];
    private static readonly string[] Elementwise = ["Cast", "Mul", "Div", "Add", "Tanh", "Identity"];

    /// <summary>Changes a graph where its head is known.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="logits">Name of its output.</param>
    /// <param name="vocabulary">Logits of a row.</param>
    /// <returns>False where it is left as it is.</returns>
    public static bool TryApply(GraphProto graph, string logits, int vocabulary)
    {
        var makers = graph.Node.SelectMany(node => node.Output.Select(output => (output, node))).Where(pair => pair.output.Length > 0)
            .ToLookup(pair => pair.output, pair => pair.node, StringComparer.Ordinal);
        var readers = graph.Node.SelectMany(node => node.Input).ToLookup(input => input, StringComparer.Ordinal);
        var name = logits;
        while (true)
        {
            if (makers[name].ToArray() is not [var node] || (name != logits && (readers[name].Count() != 1 || IsOutput(name))))
                return false;
            // What it is multiplied with, divided by and so on must be one number, or one for each logit.
            var computed = node.Input.Where(input => makers[input].Any(maker => maker.OpType != "Constant")).ToArray();
            if (computed is not [var source] || node.Input[0] != source || node.Output.Count != 1)
                return false;
            if (Products.Contains(node.OpType))
            {
                if (node.OpType == "Gemm" || !IsPlain(node))
                    return false;
                Cut(graph, node, source);
                var type = graph.Output.First(output => output.Name == logits).Type.TensorType;
                type.Shape = new TensorShapeProto
                {
                    Dim =
                    {
                        new TensorShapeProto.Types.Dimension { DimParam = "rows" },
                        new TensorShapeProto.Types.Dimension { DimValue = vocabulary },
                    },
                };
                // Shapes in between were noted for all tokens.
                graph.ValueInfo.Clear();
                return true;
            }

            if (!Elementwise.Contains(node.OpType))
                return false;
            name = source;
        }

        bool IsOutput(string value) => graph.Output.Any(output => output.Name == value);
    }

    /// <summary>The product of rows with a matrix, neither turned.</summary>
    private static bool IsPlain(NodeProto node) =>
        node.OpType != "FusedMatMul" || !node.Attribute.Any(attribute => attribute.Name is "transA" or "transBatchA" && attribute.I != 0);

    private static void Cut(GraphProto graph, NodeProto head, string source)
    {
        var flat = new NodeProto { Name = Prefix + "/Flatten", OpType = "Flatten", Input = { source }, Output = { Prefix + "/flat" } };
        flat.Attribute.Add(new AttributeProto { Name = "axis", Type = AttributeProto.Types.AttributeType.Int, I = 2 });
        var chosen = new NodeProto
        {
            Name = Prefix + "/Gather",
            OpType = "Gather",
            Input = { Prefix + "/flat", Input },
            Output = { Prefix + "/chosen" },
        };
        chosen.Attribute.Add(new AttributeProto { Name = "axis", Type = AttributeProto.Types.AttributeType.Int, I = 0 });
        var index = graph.Node.IndexOf(head);
        graph.Node.Insert(index, chosen);
        graph.Node.Insert(index, flat);
        head.Input[0] = Prefix + "/chosen";
        graph.Input.Add(new ValueInfoProto
        {
            Name = Input,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor
                {
                    ElemType = DataType.Int64,
                    Shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "rows" } } },
                },
            },
        });
    }
}

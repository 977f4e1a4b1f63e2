using Google.Protobuf;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;

namespace Parley.ModelImporter.Tests.Graph;

/// <summary>
/// A package in which ONNX Runtime's operators do every norm, of all rows: each NormalizedLinear becomes a norm and a QuantizedLinear, and
/// rows are chosen after the last norm instead of before it.
/// </summary>
internal static class UnfusedModel
{
    /// <summary>Writes the graph beside the package's own and returns its path.</summary>
    public static string Write(string package)
    {
        var model = WidenedModel.Read(package);
        var all = model.Graph.Node.ToLookup(node => node.Name.StartsWith("chosen", StringComparison.Ordinal));
        var nodes = all[false].ToList();
        var chosen = all[true].ToDictionary(node => node.Name);
        model.Graph.Node.Clear();
        model.Graph.Node.AddRange(nodes.SelectMany(node => node switch
        {
            { OpType: "NormalizedLinear" } => Split(node),
            { Name: "final_norm" } => ChooseAfter(node, chosen["chosen.update"], chosen["chosen"]),
            _ => [node],
        }));
        var path = Path.Combine(package, "unfused.onnx");
        File.WriteAllBytes(path, model.ToByteArray());
        return path;
    }

    private static NodeProto[] Split(NodeProto fused)
    {
        var epsilon = fused.Attribute.Single(attribute => attribute.Name == "epsilon");
        var norm = new NodeProto { Name = $"{fused.Name}.norm", Attribute = { epsilon } };
        if (fused.Input.Count == 4)
        {
            norm.OpType = "SimplifiedLayerNormalization";
            norm.Input.AddRange([fused.Input[0], fused.Input[3]]);
            norm.Output.Add(norm.Name);
        }
        else
        {
            (norm.OpType, norm.Domain) = ("SkipSimplifiedLayerNormalization", OnnxGraphBuilder.MicrosoftDomain);
            norm.Input.AddRange([fused.Input[4], fused.Input[0], fused.Input[3]]);
            norm.Output.AddRange([norm.Name, "", "", fused.Output[1]]);
        }

        return
        [
            norm,
            new NodeProto
            {
                Name = fused.Name, OpType = "QuantizedLinear", Domain = fused.Domain, Input = { norm.Name, fused.Input[1], fused.Input[2] },
                Output = { fused.Output[0] }, Attribute = { fused.Attribute.Where(attribute => attribute.Name != "epsilon") },
            },
        ];
    }

    private static NodeProto[] ChooseAfter(NodeProto norm, NodeProto update, NodeProto stream)
    {
        var whole = norm.Clone();
        (whole.Input[0], whole.Input[1], whole.Output[0]) = (update.Input[0], stream.Input[0], "final_norm.whole");
        var rows = stream.Clone();
        (rows.Input[0], rows.Output[0]) = (whole.Output[0], norm.Output[0]);
        return [whole, rows];
    }
}

using Parley.ModelImporter.Graph.Onnx;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Exports;

/// <summary>What the initializers of an export say of the model: how many weights, how wide, how many positions.</summary>
internal sealed class ExportedWeights
{
    private readonly HashSet<int> _widths = [];

    public ExportedWeights(ExportedModel model)
    {
        var tensors = model.Graph.Initializer.GroupBy(tensor => tensor.Name).ToDictionary(group => group.Key, group => group.First());
        var counted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in model.Graph.Node)
        {
            if (node is { OpType: "MatMulNBits", Input.Count: >= 3 })
            {
                var (inputs, outputs) = (Number(node, "K"), Number(node, "N"));
                if (counted.Add(node.Input[1]))
                    Parameters += inputs * outputs;
                AddWidths(inputs, outputs);
                counted.UnionWith(node.Input.Skip(2));
            }
            else if (node.OpType is "GatherBlockQuantized")
            {
                if (tensors.TryGetValue(node.Input[0], out var table) && counted.Add(table.Name))
                    Parameters += Elements(table) * (Number(node, "bits") == 4 && table.DataType == DataType.Uint8 ? 2 : 1);
                counted.UnionWith(node.Input.Skip(2));
            }
            else if (node is { OpType: "GroupQueryAttention", Input.Count: >= 9 })
            {
                if (tensors.TryGetValue(node.Input[7], out var cosines) && cosines.Dims.Count == 2)
                    Positions = (int)Math.Min(Positions, Math.Max(cosines.Dims[0], 1));
                counted.UnionWith([node.Input[7], node.Input[8]]);
            }
            else if (node.OpType is "MatMul" or "Gemm" or "MatMulInteger" or "FusedMatMul" && node.Input.Count >= 2
                && tensors.TryGetValue(node.Input[1], out var matrix) && matrix.Dims.Count == 2)
            {
                AddWidths(matrix.Dims[0], matrix.Dims[1]);
            }
        }

        Parameters += tensors.Values.Where(tensor => !counted.Contains(tensor.Name) && tensor.Dims.Count > 0 && tensor.DataType is
            DataType.Float or DataType.Float16 or DataType.Bfloat16 or DataType.Int8 or DataType.Uint8).Sum(Elements);
    }

    /// <summary>Weights, a tensor that two nodes read counted once.</summary>
    public long Parameters { get; }

    /// <summary>Positions that the rotation's tables have; the largest number where there are none.</summary>
    public int Positions { get; } = int.MaxValue;

    /// <summary>The widest matrix but the head; 0 where none is known.</summary>
    public int Widest(int vocabulary) => _widths.Where(width => width != vocabulary).DefaultIfEmpty().Max();

    private static long Elements(TensorProto tensor) =>
        tensor.Dims.Aggregate(1L, (product, dimension) => (long)Int128.Min((Int128)product * Math.Max(dimension, 0), long.MaxValue / 4096));

    private static long Number(NodeProto node, string name) =>
        Math.Clamp(node.Attribute.FirstOrDefault(attribute => attribute.Name == name)?.I ?? 0, 0, 1 << 24);

    private void AddWidths(params ReadOnlySpan<long> widths)
    {
        foreach (var width in widths)
        {
            if (width is > 0 and < 1 << 24)
                _widths.Add((int)width);
        }
    }
}

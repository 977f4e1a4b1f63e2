using System.Runtime.InteropServices;
using Google.Protobuf;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;

namespace Parley.ModelImporter.AdapterPackages;

/// <summary>The linears of a package, as the nodes of its graph say them.</summary>
internal sealed class GraphLinears
{
    private const string GraphName = "model.onnx";

    /// <summary>A graph without its weights has some megabytes.</summary>
    private const long BytesMax = 512 << 20;

    private readonly string _path;
    private readonly Dictionary<string, NodeProto> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeProto, int> _positions = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, NodeProto> _makers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorProto> _tensors = new(StringComparer.Ordinal);

    private GraphLinears(string path, GraphProto graph)
    {
        _path = path;
        foreach (var (position, node) in graph.Node.Index())
        {
            _nodes.TryAdd(node.Name, node);
            _positions[node] = position;
            foreach (var output in node.Output)
                _makers.TryAdd(output, node);
        }

        foreach (var tensor in graph.Initializer)
            _tensors.TryAdd(tensor.Name, tensor);
    }

    /// <summary>Reads the graph of a package.</summary>
    /// <exception cref="InvalidDataException">It is missing or malformed.</exception>
    public static GraphLinears Open(string package)
    {
        var path = Path.Combine(package, GraphName);
        if (!SourceFile.Exists(path) || SourceFile.Length(path) > BytesMax)
            throw new InvalidDataException($"{path} is missing, or has more than {BytesMax} bytes; import the model again.");
        try
        {
            using var stream = File.OpenRead(path);
            return new GraphLinears(path, ModelProto.Parser.ParseFrom(stream).Graph ?? new GraphProto());
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }

    /// <summary>The nodes that a linear is: one, or one for each run of parts on a grid of its own; together they have its rows.</summary>
    /// <param name="name">Name of the linear.</param>
    /// <returns>From the first row on; null where the graph has no linear of this name that something can be added to.</returns>
    public IReadOnlyList<GraphLinear>? Find(string name)
    {
        if (!_nodes.TryGetValue(name, out var node))
            return null;
        if (node.OpType != "Concat")
            return Read(node) is { } whole ? [whole] : null;
        var parts = node.Input.Select(input => _makers.TryGetValue(input, out var maker) ? Read(maker) : null)
            .OfType<GraphLinear>().ToList();
        return parts.Count == node.Input.Count ? parts : null;
    }

    private GraphLinear? Read(NodeProto node)
    {
        if (node is { OpType: "QuantizedLinear" or "NormalizedLinear", Domain: OnnxGraphBuilder.ParleyDomain })
        {
            var (inputs, outputs) = (Number(node, "K"), Number(node, "N"));
            return new GraphLinear(_positions[node], node.Name, inputs, outputs, OrderOf(node, inputs));
        }

        return node is { OpType: "MatMul", Domain: "", Input: [_, var weight] } && _tensors.TryGetValue(weight, out var matrix)
            && matrix.Dims is [var columns and > 0 and < int.MaxValue, var rows and > 0 and < int.MaxValue]
            ? new GraphLinear(_positions[node], node.Name, (int)columns, (int)rows, OrderOf(node, (int)columns)) : null;
    }

    private int Number(NodeProto node, string attribute) =>
        node.Attribute.FirstOrDefault(one => one.Name == attribute)?.I is { } number and > 0 and < int.MaxValue
            ? (int)number : throw new InvalidDataException($"{_path}: node {node.Name}: {attribute} is missing; import the model again.");

    /// <summary>The order that a Gather before the node brings its inputs into.</summary>
    private int[]? OrderOf(NodeProto node, int inputs)
    {
        if (!_makers.TryGetValue(node.Input[0], out var gather)
            || gather is not { OpType: "Gather", Input: [_, var name] } || gather.Name != $"{node.Name}.ordered")
            return null;
        if (!_tensors.TryGetValue(name, out var order) || order.RawData.Length != inputs * sizeof(long))
            throw new InvalidDataException($"{_path}: node {gather.Name} has no order of {inputs} inputs; import the model again.");
        var columns = MemoryMarshal.Cast<byte, long>(order.RawData.Span).ToArray();
        return columns.Order().SequenceEqual(Enumerable.Range(0, inputs).Select(i => (long)i))
            ? [.. columns.Select(column => (int)column)]
            : throw new InvalidDataException($"{_path}: node {gather.Name} does not order {inputs} inputs; import the model again.");
    }
}

using Google.Protobuf;
using Parley.ModelImporter.Graph.Onnx;

namespace Parley.ModelImporter.Exports;

/// <summary>
/// The graph of an export, read and looked through: nothing in it leads out of its folder or asks for somebody's library.
/// </summary>
internal sealed class ExportedModel
{
    private const string Location = "location";
    private const int NestingMax = 16;

    /// <summary>Domains of operators that ONNX Runtime itself brings.</summary>
    private static readonly string[] Domains = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];

    /// <summary>Operators that name a file, to be loaded by a device of theirs.</summary>
    private static readonly string[] Outsiders = ["EPContext"];

    private readonly HashSet<(string Domain, string Name)> _functions;
    private readonly SortedSet<string> _data = new(StringComparer.Ordinal);

    private ExportedModel(string path, ModelProto model)
    {
        (Path, Model) = (path, model);
        _functions = [.. model.Functions.Select(function => (function.Domain, function.Name))];
        foreach (var function in model.Functions)
            Check(function.Node, 1);
        Check(Graph.Node, 1);
        foreach (var tensor in Graph.Initializer.Where(IsExternal))
            CheckPlace(tensor);
        var initializers = Graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        Inputs = [.. Graph.Input.Where(input => !initializers.Contains(input.Name))];
    }

    public string Path { get; }

    public ModelProto Model { get; }

    public GraphProto Graph => Model.Graph;

    /// <summary>Inputs that a run must give.</summary>
    public IReadOnlyList<ValueInfoProto> Inputs { get; }

    /// <summary>Names of the files beside the graph that hold weights, in order.</summary>
    public IReadOnlyCollection<string> Data => _data;

    /// <summary>Version of the ai.onnx operators.</summary>
    public int Opset => (int)(Model.OpsetImport.FirstOrDefault(set => set.Domain is "" or "ai.onnx")?.Version ?? 0);

    /// <summary>Reads a graph.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or asks for what is not to be loaded; the message names it.</exception>
    public static ExportedModel Open(string path)
    {
        if (SourceFile.Length(path) >= int.MaxValue)
            throw new InvalidDataException($"{path}: 2 GiB or more, which no ONNX file is: weights beyond lie beside it.");
        try
        {
            using var file = File.OpenRead(path);
            var model = ModelProto.Parser.ParseFrom(file);
            if (model.Graph is null || model.Graph.Node.Count == 0)
                throw new InvalidDataException($"{path}: no ONNX model: it has no nodes.");
            return new ExportedModel(path, model);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new InvalidDataException($"{path}: no ONNX model: {exception.Message}", exception);
        }
    }

    public static bool IsExternal(TensorProto tensor) => tensor.DataLocation == TensorProto.Types.DataLocation.External;

    /// <summary>A field of a tensor's place in another file; null where it does not say.</summary>
    private static string? PlaceOf(TensorProto tensor, string key) =>
        tensor.ExternalData.FirstOrDefault(entry => entry.Key == key)?.Value;

    /// <summary>The file of a tensor that lies outside the graph.</summary>
    public static string FileOf(TensorProto tensor) => PlaceOf(tensor, Location) ?? "";

    /// <summary>Where it begins there; checked when the graph was opened.</summary>
    public static long OffsetOf(TensorProto tensor) => PlaceOf(tensor, "offset") is { } text
        ? long.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 0;

    private void Check(IEnumerable<NodeProto> nodes, int depth)
    {
        if (depth > NestingMax)
            throw new InvalidDataException($"{Path}: graphs lie {NestingMax} deep in one another.");
        foreach (var node in nodes)
        {
            if (!Domains.Contains(node.Domain) && !_functions.Contains((node.Domain, node.OpType)))
            {
                throw new InvalidDataException(
                    $"{Path}: node {node.Name} is {node.OpType} of the domain {node.Domain}, which is none of ONNX Runtime's own: a "
                    + "library of operators is code, and none is loaded.");
            }

            if (Outsiders.Contains(node.OpType))
                throw new InvalidDataException($"{Path}: node {node.Name} is {node.OpType}, a graph that was compiled for a device.");
            foreach (var attribute in node.Attribute)
            {
                foreach (var tensor in attribute.Tensors.Append(attribute.T).OfType<TensorProto>().Where(IsExternal))
                    throw new InvalidDataException($"{Path}: node {node.Name}: the attribute {attribute.Name} lies in another file.");
                foreach (var graph in attribute.Graphs.Append(attribute.G).OfType<GraphProto>())
                {
                    Check(graph.Node, depth + 1);
                    foreach (var tensor in graph.Initializer.Where(IsExternal))
                        CheckPlace(tensor);
                }
            }
        }
    }

    /// <summary>The bytes of a tensor lie in a file of the same folder, and that is long enough.</summary>
    private void CheckPlace(TensorProto tensor)
    {
        var name = FileOf(tensor);
        if (name is "" or "." or ".." || name != System.IO.Path.GetFileName(name) || name.Contains('\\', StringComparison.Ordinal))
        {
            throw new InvalidDataException(
                $"{Path}: tensor {tensor.Name} lies in \"{name}\", which is not the name of a file in the same folder.");
        }

        var file = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, name);
        if (!SourceFile.Exists(file))
            throw new InvalidDataException($"{file} is missing, where {System.IO.Path.GetFileName(Path)} has the tensor {tensor.Name}.");
        var (offset, length) = (Number(tensor, "offset") ?? 0, Number(tensor, "length"));
        var size = SourceFile.Length(file);
        if (offset > size || (length ?? 0) > size - offset)
        {
            throw new InvalidDataException(
                $"{Path}: tensor {tensor.Name} lies at {offset} with {length ?? size - offset} bytes in {name}, which has {size}.");
        }

        _data.Add(name);
    }

    private long? Number(TensorProto tensor, string key) => PlaceOf(tensor, key) is not { } text ? null
        : long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new InvalidDataException($"{Path}: tensor {tensor.Name}: {key} is {text}, not a number from 0 on.");
}

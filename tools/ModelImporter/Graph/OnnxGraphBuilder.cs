using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Quantization;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// Collects nodes and initializers of a graph. Values are their names. The bytes of large initializers are planned here and written later,
/// so building the graph of any model is instant.
/// </summary>
/// <param name="dataFileName">The file of the large ones.</param>
/// <param name="beside">
/// A graph over the same file, which lies behind it: an initializer that has the name of one of its own is that one.
/// </param>
internal sealed class OnnxGraphBuilder(string dataFileName, OnnxGraphBuilder? beside = null)
{
    public const string MicrosoftDomain = "com.microsoft";

    /// <summary>Domain of the operators that Parley brings itself.</summary>
    public const string ParleyDomain = "ai.parley";

    public const int Opset = 21;
    private const int IrVersion = 10;

    /// <summary>ONNX Runtime maps external data whose offset is a multiple of the page, on Windows of the allocation granularity.</summary>
    private const long Alignment = 64 << 10;

    /// <summary>Tensors up to this length stay in the graph; shape inference reads small ones.</summary>
    private const long InlineBytesMax = 1024;

    private readonly GraphProto _graph = new() { Name = "parley" };
    private readonly List<(TensorProto Tensor, TensorTarget Target)> _tensors = [];
    private readonly List<TensorFill> _fills = [];
    private readonly HashSet<string> _claimed = new(StringComparer.Ordinal);

    /// <summary>Type of activations, norms and biases; set before the first node.</summary>
    public ElementType Activations { get; set; } = ElementType.Float32;

    /// <summary>Work that fills the initializers, in order of their offsets.</summary>
    public IReadOnlyList<TensorFill> Fills => _fills;

    /// <summary>Length of the data file.</summary>
    public long DataBytes { get; private set; } = beside?.DataBytes ?? 0;

    /// <summary>Of these the bytes that are looked up by row, and need not be in memory.</summary>
    public long RowBytes { get; set; }

    /// <summary>Adds an input; a dimension is a number or a name.</summary>
    public string Input(string name, DataType type, params ReadOnlySpan<object> dimensions)
    {
        _graph.Input.Add(Describe(name, type, dimensions));
        return name;
    }

    public void Output(string name, DataType type, params ReadOnlySpan<object> dimensions) =>
        _graph.Output.Add(Describe(name, type, dimensions));

    /// <summary>Adds a node with one output, which carries the node's name.</summary>
    /// <returns>The output.</returns>
    public string Node(string name, string operation, string domain, string[] inputs, params (string Name, object Value)[] attributes) =>
        Node(name, operation, domain, inputs, [name], attributes)[0];

    /// <summary>Adds a node.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="operation">Operator.</param>
    /// <param name="domain">Operator's domain; empty for ai.onnx.</param>
    /// <param name="inputs">Values; "" for an optional input that is left out.</param>
    /// <param name="outputs">Names of its values; "" for an optional output that is not wanted.</param>
    /// <param name="attributes">Numbers and lists of numbers.</param>
    public string[] Node(
        string name, string operation, string domain, string[] inputs, string[] outputs, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { Name = name, OpType = operation, Domain = domain };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        node.Attribute.AddRange(attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)));
        _graph.Node.Add(node);
        return outputs;
    }

    /// <summary>Whether a name is asked for the first time: for constants that several nodes share.</summary>
    public bool TryClaim(string name) => _claimed.Add(name);

    /// <summary>Adds a small constant.</summary>
    public string Constant<T>(string name, DataType type, ReadOnlySpan<T> values, params ReadOnlySpan<long> dimensions)
        where T : unmanaged
    {
        var tensor = new TensorProto { Name = name, DataType = type, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values)) };
        tensor.Dims.AddRange(dimensions.ToArray());
        _graph.Initializer.Add(tensor);
        return name;
    }

    /// <summary>Adds a number [1] in the type of the activations.</summary>
    public string Scalar(string name, double value)
    {
        var type = Activations;
        var reserved = type.Reserve(this, name, 1);
        Fill((data, _) => type.Write(data, reserved, 0, [(float)value]), reserved);
        return name;
    }

    /// <summary>Plans an initializer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Element type.</param>
    /// <param name="bytes">Its length in bytes.</param>
    /// <param name="dimensions">Its shape.</param>
    public TensorTarget Reserve(string name, DataType type, long bytes, params ReadOnlySpan<long> dimensions)
    {
        if (beside?._tensors.FirstOrDefault(tensor => tensor.Tensor.Name == name).Target is { } shared)
        {
            AddTensor(name, type, shared, dimensions);
            return shared;
        }

        long? offset = null;
        if (bytes > InlineBytesMax)
        {
            offset = (DataBytes + Alignment - 1) / Alignment * Alignment;
            DataBytes = offset.Value + bytes;
        }

        var target = new TensorTarget(name, bytes, offset);
        AddTensor(name, type, target, dimensions);
        return target;
    }

    /// <summary>Adds an initializer of other dimensions over the bytes of <paramref name="target"/>.</summary>
    public string Alias(string name, DataType type, TensorTarget target, params ReadOnlySpan<long> dimensions)
    {
        AddTensor(name, type, target, dimensions);
        return name;
    }

    /// <summary>Plans the work that fills initializers; another graph's are filled there.</summary>
    public void Fill(Action<DataFile, ParallelOptions> run, params ReadOnlySpan<TensorTarget> targets)
    {
        if (targets.Length > 0 && IsShared(targets[0]))
            return;
        var (first, bytes) = (long.MaxValue, 0L);
        foreach (var target in targets)
        {
            first = Math.Min(first, target.Offset ?? long.MaxValue);
            bytes += target.Bytes;
        }

        _fills.Add(new TensorFill(first, bytes, run));
    }

    /// <summary>Plans the work that fills a part of an initializer.</summary>
    /// <param name="run">The work; it may write elsewhere, too, where nothing earlier lies.</param>
    /// <param name="target">The initializer.</param>
    /// <param name="first">First byte of the part.</param>
    /// <param name="bytes">Its length.</param>
    public void FillPart(Action<DataFile, ParallelOptions> run, TensorTarget target, long first, long bytes)
    {
        if (!IsShared(target))
            _fills.Add(new TensorFill(target.Offset is { } offset ? offset + first : long.MaxValue, bytes, run));
    }

    /// <summary>The model. Call it when all fills have run: small tensors are copied into it.</summary>
    public ModelProto Build(string producerVersion)
    {
        foreach (var (tensor, target) in _tensors)
        {
            if (target.Offset is null)
                tensor.RawData = ByteString.CopyFrom(target.Inline);
        }

        var model = new ModelProto { IrVersion = IrVersion, ProducerName = "parley", ProducerVersion = producerVersion, Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = MicrosoftDomain, Version = 1 });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = ParleyDomain, Version = 1 });
        return model;
    }

    private bool IsShared(TensorTarget target) => beside?._tensors.Any(tensor => tensor.Target == target) == true;

    private void AddTensor(string name, DataType type, TensorTarget target, ReadOnlySpan<long> dimensions)
    {
        var tensor = new TensorProto { Name = name, DataType = type };
        tensor.Dims.AddRange(dimensions.ToArray());
        if (target.Offset is { } offset)
        {
            tensor.DataLocation = TensorProto.Types.DataLocation.External;
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = dataFileName });
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = offset.ToString(CultureInfo.InvariantCulture) });
            tensor.ExternalData.Add(new StringStringEntryProto
            {
                Key = "length",
                Value = target.Bytes.ToString(CultureInfo.InvariantCulture)
            });
        }

        _graph.Initializer.Add(tensor);
        _tensors.Add((tensor, target));
    }

    private static ValueInfoProto Describe(string name, DataType type, ReadOnlySpan<object> dimensions)
    {
        var shape = new TensorShapeProto();
        foreach (var dimension in dimensions)
        {
            shape.Dim.Add(dimension is string parameter
                ? new TensorShapeProto.Types.Dimension { DimParam = parameter }
                : new TensorShapeProto.Types.Dimension { DimValue = Convert.ToInt64(dimension, CultureInfo.InvariantCulture) });
        }

        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = type, Shape = shape } }
        };
    }

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case int number:
                attribute.Type = AttributeProto.Types.AttributeType.Int;
                attribute.I = number;
                break;
            case float number:
                attribute.Type = AttributeProto.Types.AttributeType.Float;
                attribute.F = number;
                break;
            case string text:
                attribute.Type = AttributeProto.Types.AttributeType.String;
                attribute.S = ByteString.CopyFromUtf8(text);
                break;
            case long[] numbers:
                attribute.Type = AttributeProto.Types.AttributeType.Ints;
                attribute.Ints.AddRange(numbers);
                break;
            default:
                throw new ArgumentException($"Attribute {name} is a {value.GetType()}.", nameof(value));
        }

        return attribute;
    }
}

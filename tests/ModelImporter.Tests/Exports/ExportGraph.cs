using System.Runtime.InteropServices;
using Google.Protobuf;
using Parley.ModelImporter.Graph.Onnx;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Tests.Exports;

/// <summary>An ONNX model that a test puts together, node by node.</summary>
internal sealed class ExportGraph(DataType type)
{
    private readonly GraphProto _graph = new() { Name = "export" };
    private int _constants;

    public GraphProto Graph => _graph;

    /// <summary>Adds a node with one output of its own name.</summary>
    public string Node(string name, string operation, string[] inputs, params (string Name, object Value)[] attributes) =>
        Node(name, operation, inputs, [name], attributes);

    /// <summary>Adds a node and gives its first output.</summary>
    public string Node(string name, string operation, string[] inputs, string[] outputs, params (string Name, object Value)[] attributes)
    {
        var isOwn = operation is "SkipSimplifiedLayerNormalization" or "GroupQueryAttention" or "MatMulNBits" or "GatherBlockQuantized";
        var node = new NodeProto { Name = name, OpType = operation, Domain = isOwn ? "com.microsoft" : "" };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        foreach (var (key, value) in attributes)
        {
            node.Attribute.Add(value switch
            {
                float number => new AttributeProto { Name = key, F = number, Type = AttributeProto.Types.AttributeType.Float },
                long[] numbers => new AttributeProto { Name = key, Ints = { numbers }, Type = AttributeProto.Types.AttributeType.Ints },
                _ => new AttributeProto
                {
                    Name = key,
                    I = Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture),
                    Type = AttributeProto.Types.AttributeType.Int,
                },
            });
        }

        _graph.Node.Add(node);
        return outputs[0];
    }

    /// <summary>Whole numbers as a constant.</summary>
    public string Numbers(params long[] values) => Constant(DataType.Int64, MemoryMarshal.AsBytes<long>(values), [values.Length]);

    /// <summary>One whole number without dimensions.</summary>
    public string Number(long value) => Constant(DataType.Int64, BitConverter.GetBytes(value), []);

    /// <summary>One number of the activations' type.</summary>
    public string Scalar(float value) =>
        Constant(type, type == DataType.Float16 ? BitConverter.GetBytes((Half)value) : BitConverter.GetBytes(value), []);

    /// <summary>Adds a tensor of numbers in the activations' type.</summary>
    public string Weights(string name, float[] values, params long[] shape) => Tensor(
        name, type,
        type == DataType.Float16
            ? MemoryMarshal.AsBytes<Half>([.. values.Select(value => (Half)value)]) : MemoryMarshal.AsBytes<float>(values),
        shape);

    /// <summary>Adds a tensor.</summary>
    public string Tensor(string name, DataType elements, ReadOnlySpan<byte> bytes, params long[] shape)
    {
        _graph.Initializer.Add(
            new TensorProto { Name = name, DataType = elements, RawData = ByteString.CopyFrom(bytes), Dims = { shape } });
        return name;
    }

    public string Input(string name, DataType elements, params object[] shape)
    {
        _graph.Input.Add(Describe(name, elements, shape));
        return name;
    }

    public void Output(string name, DataType elements, params object[] shape) => _graph.Output.Add(Describe(name, elements, shape));

    /// <summary>Writes the model, its weights beside it where <paramref name="dataName"/> says so.</summary>
    public void Write(string path, string? dataName)
    {
        if (dataName is not null)
        {
            using var data = File.Create(Path.Combine(Path.GetDirectoryName(path)!, dataName));
            foreach (var tensor in _graph.Initializer)
            {
                data.Position = (data.Position + 63) / 64 * 64;
                tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = dataName });
                tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = $"{data.Position}" });
                tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = $"{tensor.RawData.Length}" });
                data.Write(tensor.RawData.Span);
                tensor.DataLocation = TensorProto.Types.DataLocation.External;
                tensor.ClearRawData();
            }
        }

        var model = new ModelProto { IrVersion = 10, ProducerName = "test", Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 21 });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        File.WriteAllBytes(path, model.ToByteArray());
    }

    private string Constant(DataType elements, ReadOnlySpan<byte> bytes, long[] shape)
    {
        var name = $"/constants/{_constants++}";
        var node = new NodeProto { Name = name, OpType = "Constant", Output = { name } };
        node.Attribute.Add(new AttributeProto
        {
            Name = "value",
            Type = AttributeProto.Types.AttributeType.Tensor,
            T = new TensorProto { DataType = elements, RawData = ByteString.CopyFrom(bytes), Dims = { shape } },
        });
        _graph.Node.Add(node);
        return name;
    }

    private static ValueInfoProto Describe(string name, DataType elements, object[] shape)
    {
        var dimensions = new TensorShapeProto();
        foreach (var size in shape)
        {
            dimensions.Dim.Add(size is string text ? new TensorShapeProto.Types.Dimension { DimParam = text }
                : new TensorShapeProto.Types.Dimension { DimValue = (int)size });
        }

        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = elements, Shape = dimensions } },
        };
    }
}

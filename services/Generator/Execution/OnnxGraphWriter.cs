using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Parley.Generator.Execution;

/// <summary>
/// Writes very small ONNX models into memory: the self-test's, and those of tests. Models of users are written by the importer,
/// from the full schema.
/// </summary>
internal sealed class OnnxGraphWriter
{
    /// <summary>Element types of <c>onnx.TensorProto.DataType</c>.</summary>
    public const int Float = 1;

    public const int UInt8 = 2;

    public const int Int8 = 3;

    public const int Int32 = 6;

    public const int Int64 = 7;

    public const int Float16 = 10;

    public const int BFloat16 = 16;

    private readonly ArrayBufferWriter<byte> _graph = new();
    private string _nodeName = "";

    /// <summary>Names the next node.</summary>
    public OnnxGraphWriter Named(string name)
    {
        _nodeName = name;
        return this;
    }

    /// <summary>Adds a node; an empty input name leaves the input out. Attributes are long, float or a list of longs.</summary>
    public OnnxGraphWriter Node(
        string type, string domain, string[] inputs, string[] outputs, params (string Name, object Value)[] attributes)
    {
        var node = new ArrayBufferWriter<byte>();
        foreach (var input in inputs)
            Text(node, 1, input);
        foreach (var output in outputs)
            Text(node, 2, output);
        if (_nodeName.Length > 0)
            Text(node, 3, _nodeName);
        _nodeName = "";
        Text(node, 4, type);
        foreach (var (name, value) in attributes)
            Bytes(node, 5, Attribute(name, value));
        Text(node, 7, domain);
        Bytes(_graph, 1, node);
        return this;
    }

    /// <summary>Adds a constant from its bytes in memory order.</summary>
    public OnnxGraphWriter Constant(string name, int type, ReadOnlySpan<byte> data, params long[] shape)
    {
        var tensor = new ArrayBufferWriter<byte>();
        foreach (var dimension in shape)
            Number(tensor, 1, dimension);
        Number(tensor, 2, type);
        Text(tensor, 8, name);
        Bytes(tensor, 9, data);
        Bytes(_graph, 5, tensor);
        return this;
    }

    /// <summary>Adds a graph input; −1 is a free dimension.</summary>
    public OnnxGraphWriter Input(string name, int type, params long[] shape) => Value(11, name, type, shape);

    /// <summary>Adds a graph output.</summary>
    public OnnxGraphWriter Output(string name, int type, params long[] shape) => Value(12, name, type, shape);

    /// <summary>The model: IR 10, ai.onnx 21, com.microsoft 1 and our domain 1.</summary>
    public byte[] ToModel()
    {
        Text(_graph, 2, "graph");
        var model = new ArrayBufferWriter<byte>();
        Number(model, 1, 10);
        Bytes(model, 7, _graph);
        foreach (var (domain, version) in new[] { ("", 21), ("com.microsoft", 1), (CustomOpDomain.Name, 1) })
        {
            var set = new ArrayBufferWriter<byte>();
            Text(set, 1, domain);
            Number(set, 2, version);
            Bytes(model, 8, set);
        }

        return model.WrittenSpan.ToArray();
    }

    private static ArrayBufferWriter<byte> Attribute(string name, object value)
    {
        var attribute = new ArrayBufferWriter<byte>();
        Text(attribute, 1, name);
        switch (value)
        {
            case float number:
                Tag(attribute, 2, wire: 5);
                Span<byte> bytes = stackalloc byte[sizeof(float)];
                BinaryPrimitives.WriteSingleLittleEndian(bytes, number);
                attribute.Write(bytes);
                Number(attribute, 20, 1);
                break;
            case long integer:
                Number(attribute, 3, integer);
                Number(attribute, 20, 2);
                break;
            case long[] integers:
                foreach (var integer in integers)
                    Number(attribute, 8, integer);
                Number(attribute, 20, 7);
                break;
            default:
                throw new ArgumentException($"{name}: {value.GetType()} is no attribute type here.", nameof(value));
        }

        return attribute;
    }

    private OnnxGraphWriter Value(int field, string name, int type, long[] shape)
    {
        var dimensions = new ArrayBufferWriter<byte>();
        foreach (var size in shape)
        {
            var dimension = new ArrayBufferWriter<byte>();
            if (size >= 0)
                Number(dimension, 1, size);
            Bytes(dimensions, 1, dimension);
        }

        var tensor = new ArrayBufferWriter<byte>();
        Number(tensor, 1, type);
        Bytes(tensor, 2, dimensions);
        var typeProto = new ArrayBufferWriter<byte>();
        Bytes(typeProto, 1, tensor);
        var value = new ArrayBufferWriter<byte>();
        Text(value, 1, name);
        Bytes(value, 2, typeProto);
        Bytes(_graph, field, value);
        return this;
    }

    private static void Number(ArrayBufferWriter<byte> stream, int field, long value)
    {
        Tag(stream, field, wire: 0);
        Varint(stream, (ulong)value);
    }

    private static void Text(ArrayBufferWriter<byte> stream, int field, string value) =>
        Bytes(stream, field, Encoding.UTF8.GetBytes(value));

    private static void Bytes(ArrayBufferWriter<byte> stream, int field, ArrayBufferWriter<byte> value) =>
        Bytes(stream, field, value.WrittenSpan);

    private static void Bytes(ArrayBufferWriter<byte> stream, int field, ReadOnlySpan<byte> value)
    {
        Tag(stream, field, wire: 2);
        Varint(stream, (ulong)value.Length);
        stream.Write(value);
    }

    private static void Tag(ArrayBufferWriter<byte> stream, int field, int wire) => Varint(stream, ((ulong)field << 3) | (uint)wire);

    private static void Varint(ArrayBufferWriter<byte> stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            stream.Write([(byte)(value | 0x80)]);
        stream.Write([(byte)value]);
    }
}

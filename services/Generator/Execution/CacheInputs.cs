using Google.Protobuf;
using Parley.Generator.Execution.Kernels;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>
/// Gives the cache inputs of a package's graph another type. A package states them as float32; how the cache lies in memory is the
/// Generator's setting, and no reason to import a model again.
/// </summary>
internal static class CacheInputs
{
    // Field numbers of onnx.proto.
    private const int ModelGraph = 7;
    private const int GraphInput = 11;
    private const int ValueName = 1;
    private const int ValueType = 2;

    /// <summary>The model with all inputs <c>key_cache.*</c> and <c>value_cache.*</c> in the type and shape of a precision.</summary>
    /// <exception cref="InvalidDataException">The bytes are no ONNX model.</exception>
    public static byte[] Retype(byte[] model, ModelShape shape, KvCachePrecision precision)
    {
        try
        {
            var types = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var heads in shape.CachedHeads())
            {
                types[$"key_cache.{heads.Layer}"] = Type(heads.KeyValueHeads, heads.KeySize);
                types[$"value_cache.{heads.Layer}"] = Type(heads.KeyValueHeads, heads.ValueSize);
            }

            return Rewrite(model, ModelGraph, graph => Rewrite(graph, GraphInput, input =>
                types.TryGetValue(NameOf(input), out var type) ? Rewrite(input, ValueType, _ => type) : input));
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new InvalidDataException($"no ONNX model: {exception.Message}", exception);
        }

        byte[] Type(int heads, int size) => TensorType(
            (int)KvCacheFormat.ElementType(precision), -1, -1, heads, size + KvCacheFormat.ScaleElements(precision));
    }

    private static string NameOf(byte[] input)
    {
        using var stream = new CodedInputStream(input);
        for (var tag = stream.ReadTag(); tag != 0; tag = stream.ReadTag())
        {
            if (WireFormat.GetTagFieldNumber(tag) == ValueName)
                return stream.ReadString();
            stream.SkipLastField();
        }

        return "";
    }

    /// <summary>Copies a message with the occurrences of one of its message fields changed.</summary>
    private static byte[] Rewrite(byte[] message, int field, Func<byte[], byte[]> change)
    {
        using var input = new CodedInputStream(message);
        using var memory = new MemoryStream(message.Length + 64);
        using var output = new CodedOutputStream(memory, leaveOpen: true);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            output.WriteTag(tag);
            switch (WireFormat.GetTagWireType(tag))
            {
                case WireFormat.WireType.LengthDelimited when WireFormat.GetTagFieldNumber(tag) == field:
                    output.WriteBytes(ByteString.CopyFrom(change(input.ReadBytes().ToByteArray())));
                    break;
                case WireFormat.WireType.LengthDelimited:
                    output.WriteBytes(input.ReadBytes());
                    break;
                case WireFormat.WireType.Varint:
                    output.WriteUInt64(input.ReadUInt64());
                    break;
                case WireFormat.WireType.Fixed32:
                    output.WriteFixed32(input.ReadFixed32());
                    break;
                case WireFormat.WireType.Fixed64:
                    output.WriteFixed64(input.ReadFixed64());
                    break;
                default:
                    throw new InvalidDataException("no ONNX model: it has a group");
            }
        }

        output.Flush();
        return memory.ToArray();
    }

    /// <summary>A <c>TypeProto</c> of a tensor; −1 is a free dimension.</summary>
    private static byte[] TensorType(int elementType, params int[] dimensions) => Message(type => Add(type, 1, Message(tensor =>
    {
        tensor.WriteTag(1, WireFormat.WireType.Varint);
        tensor.WriteInt32(elementType);
        Add(tensor, 2, Message(shape =>
        {
            foreach (var dimension in dimensions)
                Add(shape, 1, Message(size => WriteDimension(size, dimension)));
        }));
    })));

    private static void WriteDimension(CodedOutputStream stream, int dimension)
    {
        if (dimension < 0)
            return;
        stream.WriteTag(1, WireFormat.WireType.Varint);
        stream.WriteInt64(dimension);
    }

    private static void Add(CodedOutputStream stream, int field, byte[] message)
    {
        stream.WriteTag(field, WireFormat.WireType.LengthDelimited);
        stream.WriteBytes(ByteString.CopyFrom(message));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        using var stream = new CodedOutputStream(memory, leaveOpen: true);
        write(stream);
        stream.Flush();
        return memory.ToArray();
    }
}

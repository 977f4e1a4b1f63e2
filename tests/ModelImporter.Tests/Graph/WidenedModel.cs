using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Tests.Graph;

/// <summary>
/// A CUDA package as the CPU can run it: every value of 16 bits widened to fp32, which is exact, and PagedAttention replaced by our
/// operator,
/// which takes the same first ten inputs. Nothing else changes, so what runs is the package's own wiring and weights.
/// </summary>
internal static class WidenedModel
{
    /// <summary>Reads a package's graph.</summary>
    public static ModelProto Read(string package) =>
        ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(package, "model.onnx")));

    /// <summary>Writes the widened graph beside the package's own and returns its path.</summary>
    public static string Write(string package)
    {
        var model = Read(package);
        var data = File.ReadAllBytes(Path.Combine(package, "model.data"));
        foreach (var tensor in model.Graph.Initializer)
            Widen(tensor, data);
        foreach (var value in model.Graph.Input.Concat(model.Graph.Output).Where(value => IsNarrow(value.Type.TensorType.ElemType)))
            value.Type.TensorType.ElemType = DataType.Float;
        foreach (var node in model.Graph.Node.Where(node => node.OpType == "PagedAttention"))
        {
            node.Domain = OnnxGraphBuilder.ParleyDomain;
            while (node.Input.Count > 10)
                node.Input.RemoveAt(10);
        }

        var path = Path.Combine(package, "widened.onnx");
        File.WriteAllBytes(path, model.ToByteArray());
        return path;
    }

    /// <summary>An initializer's bytes, wherever they lie.</summary>
    public static byte[] Bytes(TensorProto tensor, byte[] data)
    {
        if (tensor.HasRawData)
            return tensor.RawData.ToByteArray();
        var offset = Number("offset");
        return data.AsSpan((int)offset, (int)Number("length")).ToArray();

        long Number(string key) =>
            long.Parse(tensor.ExternalData.Single(entry => entry.Key == key).Value, CultureInfo.InvariantCulture);
    }

    private static bool IsNarrow(DataType type) => type is DataType.Float16 or DataType.Bfloat16;

    private static void Widen(TensorProto tensor, byte[] data)
    {
        if (!IsNarrow(tensor.DataType))
            return;
        var bits = MemoryMarshal.Cast<byte, ushort>(Bytes(tensor, data));
        var values = new float[bits.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = tensor.DataType == DataType.Bfloat16
                ? BitConverter.UInt32BitsToSingle((uint)bits[i] << 16)
                : (float)BitConverter.UInt16BitsToHalf(bits[i]);
        }

        tensor.DataType = DataType.Float;
        tensor.DataLocation = TensorProto.Types.DataLocation.Default;
        tensor.ExternalData.Clear();
        tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values));
    }
}

using Google.Protobuf;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution;

/// <summary>Whether the linears of a graph are our operators, whose rows know nothing of each other.</summary>
internal static class OwnLinears
{
    // Field numbers of onnx.proto.
    private const int ModelGraph = 7;
    private const int GraphNode = 1;
    private const int NodeOperator = 4;
    private const int NodeDomain = 7;

    private static readonly string[] Operators = [QuantizedHeadOp.OpName, QuantizedLinearOp.OpName, NormalizedLinearOp.OpName];

    /// <summary>Looks for one of them.</summary>
    /// <param name="model">A graph that ONNX Runtime has loaded.</param>
    public static bool AreIn(byte[] model) => Messages(model, ModelGraph).Any(graph => Messages(graph, GraphNode).Any(IsOne));

    private static bool IsOne(byte[] node)
    {
        var (name, domain) = ("", "");
        using var stream = new CodedInputStream(node);
        for (var tag = stream.ReadTag(); tag != 0; tag = stream.ReadTag())
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case NodeOperator:
                    name = stream.ReadString();
                    break;
                case NodeDomain:
                    domain = stream.ReadString();
                    break;
                default:
                    stream.SkipLastField();
                    break;
            }
        }

        return domain == CustomOpDomain.Name && Operators.Contains(name, StringComparer.Ordinal);
    }

    private static IEnumerable<byte[]> Messages(byte[] message, int field)
    {
        using var stream = new CodedInputStream(message);
        for (var tag = stream.ReadTag(); tag != 0; tag = stream.ReadTag())
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                yield return stream.ReadBytes().ToByteArray();
            else
                stream.SkipLastField();
        }
    }
}

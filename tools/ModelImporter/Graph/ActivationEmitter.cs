using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>The function between the linears of an MLP, as nodes.</summary>
internal static class ActivationEmitter
{
    /// <summary>Adds the nodes.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="activation">The function.</param>
    /// <param name="name">Prefix of their names.</param>
    /// <param name="value">Value [rows, width].</param>
    /// <returns>Value [rows, width].</returns>
    public static string Emit(OnnxGraphBuilder graph, Activation activation, string name, string value) => activation switch
    {
        Activation.Silu => graph.Node($"{name}.silu", "QuickGelu", OnnxGraphBuilder.MicrosoftDomain, [value], ("alpha", 1f)),
        Activation.GeluTanh => graph.Node($"{name}.gelu", "FastGelu", OnnxGraphBuilder.MicrosoftDomain, [value]),
        Activation.Gelu => graph.Node($"{name}.gelu", "Gelu", OnnxGraphBuilder.MicrosoftDomain, [value]),
        Activation.Relu => graph.Node($"{name}.relu", "Relu", "", [value]),
        Activation.ReluSquared => Square(graph, name, graph.Node($"{name}.relu", "Relu", "", [value])),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "It has weights of its own."),
    };

    /// <summary>
    /// xIELU: α₊x² + βx above 0, and below (e^min(x, ε) − 1 − x) · α₋ + βx, where α₊ and α₋ − β are the softplus of what is stored.
    /// </summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="scalars">α₊, α₋, β, ε as they are stored.</param>
    /// <param name="name">Prefix of the nodes' names.</param>
    /// <param name="value">Value [rows, width].</param>
    public static string EmitXIelu(
        OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<ScalarWeight> scalars, string name, string value)
    {
        var zero = Constant("zero", _ => 0);
        var above = Constant("alpha_p", read => SoftPlus(read(0)));
        var below = Constant("alpha_n", read => read(2) + SoftPlus(read(1)));
        var (beta, epsilon, one) = (Constant("beta", read => read(2)), Constant("epsilon", read => read(3)), Constant("one", _ => 1));
        var squared = Node("squared", "Mul", Node("square", "Mul", value, value), above);
        var exponential = Node("exponential", "Sub", graph.Node($"{name}.exp", "Exp", "", [Node("least", "Min", value, epsilon)]), one);
        var negative = Node("negative", "Mul", Node("distance", "Sub", exponential, value), below);
        var bent = graph.Node($"{name}.bent", "Where", "", [Node("positive", "Greater", value, zero), squared, negative]);
        return Node("xielu", "Add", bent, Node("straight", "Mul", value, beta));

        string Node(string part, string operation, string left, string right) => graph.Node($"{name}.{part}", operation, "", [left, right]);

        string Constant(string part, Func<Func<int, float>, double> compute)
        {
            var type = graph.Activations;
            var reserved = type.Reserve(graph, $"{name}.{part}.value", 1);
            graph.Fill(
                (data, _) => type.Write(data, reserved, 0, [(float)compute(index => ReadScalar(tensors, scalars[index]))]), reserved);
            return reserved.Name;
        }
    }

    /// <summary>A stored number.</summary>
    public static float ReadScalar(CheckpointTensors tensors, ScalarWeight scalar)
    {
        Span<float> value = stackalloc float[1];
        tensors.Read(scalar.Name, 0, value);
        return value[0];
    }

    /// <summary>ln(1 + eˣ).</summary>
    public static double SoftPlus(double x) => x > 20 ? x : Math.Log(1 + Math.Exp(x));

    /// <summary>softcap · tanh(value / softcap).</summary>
    public static string EmitSoftcap(OnnxGraphBuilder graph, string value, double softcap, string output)
    {
        graph.Constant($"{output}.softcap", DataType.Float, [(float)softcap]);
        var scaled = graph.Node($"{output}.scaled", "Div", "", [value, $"{output}.softcap"]);
        var capped = graph.Node($"{output}.tanh", "Tanh", "", [scaled]);
        return graph.Node(output, "Mul", "", [capped, $"{output}.softcap"]);
    }

    private static string Square(OnnxGraphBuilder graph, string name, string value) =>
        graph.Node($"{name}.squared", "Mul", "", [value, value]);
}

using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>The MLP of a layer, of whatever kind its weights are, with the norm in front of it.</summary>
internal sealed class MlpEmitter(OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, LinearFormat linears)
{
    private readonly Float32Format _router = new();
    private readonly HashSet<string> _splits = new(StringComparer.Ordinal);

    /// <summary>Adds an MLP.</summary>
    /// <param name="mlp">Its weights.</param>
    /// <param name="input">What it reads.</param>
    /// <returns>What it adds to the residual stream, and the stream that it read, with its update.</returns>
    public (string Output, string Residual) Emit(MlpWeights mlp, LinearInput input) => mlp switch
    {
        GatedMlpWeights gated => EmitGated(gated, input),
        PlainMlpWeights plain => EmitPlain(plain, input),
        MixtureWeights mixture => EmitMixture(mixture, input),
        _ => throw new ArgumentException($"No MLP is a {mlp.GetType().Name}.", nameof(mlp)),
    };

    private (string Output, string Residual) EmitGated(GatedMlpWeights mlp, LinearInput input)
    {
        var (gated, residual) = linears.CanGate(tensors, mlp.GateUp, config.Activation)
            ? linears.EmitGated(graph, tensors, mlp.GateUp, input, config.Activation)
            : Gate(mlp.GateUp, input);
        return (linears.Emit(graph, tensors, mlp.Down, gated), residual);
    }

    /// <summary>Router, experts and shared MLP read the same normalised stream. Which experts are best is decided in fp32.</summary>
    private (string Output, string Residual) EmitMixture(MixtureWeights mixture, LinearInput input)
    {
        var name = mixture.GateUp[0].Stack![..^".gate_up".Length];
        var (value, residual) = input.Emit(graph, name);
        if (mixture.Sandwich is { } norms)
            return (EmitSandwich(mixture, norms, name, value, residual), residual);
        var logits = Route(mixture.Router, value);
        var experts = linears.Experts.Emit(graph, tensors, mixture, name, value, logits);
        if (mixture.Shared is not { } mlp)
            return (experts, residual);
        var (shared, _) = EmitGated(mlp, new LinearInput(value));
        if (mixture.SharedGate is { } gate)
        {
            var open = graph.Node($"{gate.Name}.open", "Sigmoid", "", [Route(gate, value)]);
            shared = graph.Node($"{name}.shared", "Mul", "", [shared, open]);
        }

        return (graph.Node($"{name}.sum", "Add", "", [experts, shared]), residual);
    }

    /// <summary>The MLP of every token, and beside it experts that read the stream by a norm of their own.</summary>
    private string EmitSandwich(MixtureWeights mixture, SandwichNorms norms, string name, string value, string stream)
    {
        var (shared, _) = EmitGated(mixture.Shared!, new LinearInput(value));
        var choice = Norm("router_norm", norms.Router, 1 / Math.Sqrt(config.Shape.HiddenSize)).Emit(stream);
        var experts = linears.Experts.Emit(
            graph, tensors, mixture, name, Norm("experts_norm", norms.Experts).Emit(stream), Route(mixture.Router, choice));
        return graph.Node($"{name}.sum", "Add", "",
            [Norm("shared_after_norm", norms.SharedAfter).Emit(shared), Norm("experts_after_norm", norms.ExpertsAfter).Emit(experts)]);

        NormEmitter Norm(string part, NormWeights weights, double scale = 1) =>
            new(graph, tensors, config.Norm, $"{name}.{part}", weights) { Scale = scale };
    }

    private string Route(LinearWeights router, string value)
    {
        var activations = graph.Activations;
        if (activations == ElementType.Float32)
            return _router.Emit(graph, tensors, router, value);
        var wide = graph.Node($"{router.Name}.input", "Cast", "", [value], ("to", (int)DataType.Float));
        graph.Activations = ElementType.Float32;
        var logits = _router.Emit(graph, tensors, router, wide);
        graph.Activations = activations;
        return graph.Node($"{router.Name}.logits", "Cast", "", [logits], ("to", (int)activations.Onnx));
    }

    private (string Output, string Residual) Gate(LinearWeights linear, LinearInput input)
    {
        var (product, residual) = linears.Emit(graph, tensors, linear, input);
        var (name, half) = (linear.Name, linear.Outputs / 2);
        var split = half == config.Shape.IntermediateSize ? "mlp.split" : $"mlp.split.{half}";
        if (_splits.Add(split))
            graph.Constant<long>(split, DataType.Int64, [half, half], 2);
        var halves = graph.Node($"{name}.split", "Split", "", [product, split], [$"{name}.gate", $"{name}.up"], ("axis", -1));
        var activated = ActivationEmitter.Emit(graph, config.Activation, name, halves[0]);
        return (graph.Node($"{name}.gated", "Mul", "", [activated, halves[1]]), residual);
    }

    private (string Output, string Residual) EmitPlain(PlainMlpWeights mlp, LinearInput input)
    {
        var (product, residual) = linears.Emit(graph, tensors, mlp.Up, input);
        var activated = config.Activation == Activation.XIelu
            ? ActivationEmitter.EmitXIelu(graph, tensors, mlp.Scalars, mlp.Up.Name, product)
            : ActivationEmitter.Emit(graph, config.Activation, mlp.Up.Name, product);
        return (linears.Emit(graph, tensors, mlp.Down, activated), residual);
    }
}

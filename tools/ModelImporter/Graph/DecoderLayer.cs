using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Graph;

/// <summary>One decoder layer: norm → qkv → attention → output; norm → gate and up → SiLU · up → down.</summary>
internal sealed class DecoderLayer(
    OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, LinearFormat linears, IAttentionEmitter attention)
{
    /// <summary>Adds a layer.</summary>
    /// <param name="index">Index of the layer.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="stream">The residual stream before the layer.</param>
    /// <returns>The residual stream behind the layer.</returns>
    public ResidualStream Emit(int index, DecoderLayerWeights weights, ResidualStream stream)
    {
        var name = $"layers.{index}";
        var norm = new NormEmitter(graph, tensors, config, $"{name}.attention_norm", weights.AttentionNorm);
        var (qkv, residual) = linears.EmitNormalized(graph, tensors, weights.Qkv, norm, stream);
        var heads = attention.Emit(graph, index, qkv);
        stream = new ResidualStream(residual, linears.Emit(graph, tensors, weights.AttentionOutput, heads));

        norm = new NormEmitter(graph, tensors, config, $"{name}.mlp_norm", weights.MlpNorm);
        (var gated, residual) = linears.EmitNormalizedGated(graph, tensors, weights.GateUp, norm, stream);
        return new ResidualStream(residual, linears.Emit(graph, tensors, weights.Down, gated));
    }
}

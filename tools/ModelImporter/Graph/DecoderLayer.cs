using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Graph;

/// <summary>One decoder layer: qkv → attention → output; residual and norm; gate and up → SiLU · up → down.</summary>
internal sealed class DecoderLayer(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearFormat linears, IAttentionEmitter attention)
{
    /// <summary>Adds a layer.</summary>
    /// <param name="index">Index of the layer.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="norms">Adds norms.</param>
    /// <param name="normalized">Value [tokens, hidden] after the layer's first norm.</param>
    /// <param name="residual">Value [tokens, hidden] of the residual stream before the layer.</param>
    /// <returns>What the layer adds to the residual stream, and the stream that it is to be added to.</returns>
    public (string Update, string Residual) Emit(
        int index, DecoderLayerWeights weights, DecoderConfig config, NormEmitter norms, string normalized, string residual)
    {
        var name = $"layers.{index}";
        var qkv = linears.Emit(graph, tensors, weights.Qkv, normalized);
        var heads = attention.Emit(graph, index, qkv);
        var attended = linears.Emit(graph, tensors, weights.AttentionOutput, heads);
        (normalized, residual) = norms.AddAndNormalize($"{name}.mlp_norm", weights.MlpNorm, attended, residual);

        var gated = linears.EmitGated(graph, tensors, weights.GateUp, normalized);
        return (linears.Emit(graph, tensors, weights.Down, gated), residual);
    }
}

using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>Where the weights of a decoder lie in its checkpoint.</summary>
/// <param name="Embedding">One row per token id [vocabulary, hidden].</param>
/// <param name="Layers">The layers in order.</param>
/// <param name="FinalNorm">Tensor [hidden] before the head.</param>
/// <param name="Head">The head; of the same tensor as <paramref name="Embedding"/> where tied.</param>
internal sealed record DecoderWeights(
    LinearWeights Embedding, IReadOnlyList<DecoderLayerWeights> Layers, string FinalNorm, LinearWeights Head)
{
    /// <summary>Checks that the checkpoint holds these tensors and no other.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="shape">The sizes to expect.</param>
    /// <param name="ignored">Tensors that carry no weights of the graph.</param>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    public void Check(CheckpointTensors tensors, ModelShape shape, Func<string, bool> ignored)
    {
        Embedding.Check(tensors);
        Head.Check(tensors);
        foreach (var layer in Layers)
        {
            tensors.Check(layer.AttentionNorm, shape.HiddenSize);
            tensors.Check(layer.MlpNorm, shape.HiddenSize);
            foreach (var linear in layer.Linears)
                linear.Check(tensors);
        }

        tensors.Check(FinalNorm, shape.HiddenSize);
        var known = Names();
        var unknown = tensors.Names.Where(name => !known.Contains(name) && !ignored(name)).Order(StringComparer.Ordinal).Take(4).ToArray();
        if (unknown.Length > 0)
        {
            throw new InvalidDataException(
                $"{tensors.Folder}: this architecture has no tensor {string.Join(", ", unknown)}; "
                + "to leave it out would change the answers.");
        }
    }

    /// <summary>Number of weights, a tied head counted once.</summary>
    public long Parameters(ModelShape shape) =>
        Linears().SelectMany(linear => linear.Parts.Select(part => (part, linear.Inputs)))
            .DistinctBy(entry => entry.part.Weight)
            .Sum(entry => ((long)entry.Inputs + (entry.part.Bias is null ? 0 : 1)) * entry.part.Outputs)
        + (((2L * Layers.Count) + 1) * shape.HiddenSize);

    /// <summary>All tensors of the graph.</summary>
    public HashSet<string> Names()
    {
        var names = Linears().SelectMany(linear => linear.Parts)
            .SelectMany(part => part.Bias is null ? [part.Weight] : new[] { part.Weight, part.Bias });
        return [.. names, .. Layers.SelectMany(layer => new[] { layer.AttentionNorm, layer.MlpNorm }), FinalNorm];
    }

    private IEnumerable<LinearWeights> Linears() => [Embedding, .. Layers.SelectMany(layer => layer.Linears), Head];
}

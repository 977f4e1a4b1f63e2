using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>Where the weights of a decoder lie in its checkpoint.</summary>
/// <param name="Embedding">One row per token id [vocabulary, hidden].</param>
/// <param name="Layers">The layers in order.</param>
/// <param name="FinalNorm">Before the head.</param>
/// <param name="Head">The head; of the same tensor as <paramref name="Embedding"/> where tied.</param>
internal sealed record DecoderWeights(
    LinearWeights Embedding, IReadOnlyList<DecoderLayerWeights> Layers, NormWeights FinalNorm, LinearWeights Head)
{
    /// <summary>Embeddings per layer; null for none.</summary>
    public PerLayerWeights? PerLayer { get; init; }

    /// <summary>The block that guesses further tokens; null for none.</summary>
    public DrafterWeights? Drafter { get; init; }

    /// <summary>The layers, that of <see cref="Drafter"/> behind them.</summary>
    public IReadOnlyList<DecoderLayerWeights> AllLayers => Drafter is null ? Layers : [.. Layers, Drafter.Layer];

    /// <summary>Checks that the checkpoint holds these tensors and no other.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="shape">The sizes to expect.</param>
    /// <param name="ignored">Tensors that carry no weights of the graph.</param>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    public void Check(CheckpointTensors tensors, ModelShape shape, Func<string, bool> ignored)
    {
        Embedding.Check(tensors);
        Head.Check(tensors);
        PerLayer?.Table.Check(tensors);
        PerLayer?.Projection.Check(tensors);
        PerLayer?.Norm.Check(tensors);
        Drafter?.Projection.Check(tensors);
        foreach (var norm in Drafter?.Norms ?? [])
            norm.Check(tensors);
        foreach (var layer in AllLayers)
        {
            foreach (var norm in layer.Norms)
                norm.Check(tensors);
            layer.Recurrence?.Check(tensors);
            if (layer.Sinks is not null)
                tensors.Check(layer.Sinks, shape.QueryHeads);
            foreach (var linear in layer.Linears)
                linear.Check(tensors);
            if (layer.Mlp is MixtureWeights { Correction: { } correction } mixture)
                tensors.Check(correction, mixture.Settings.Experts);
            if (layer.Mlp is MixtureWeights { ExpertScales: { } scales } scaled)
                tensors.Check(scales, scaled.Settings.Experts);
            if (layer.StreamScale is not null)
                tensors.Check(layer.StreamScale, 1);
            foreach (var scalar in layer.Mlp.Scalars)
                tensors.Check(scalar.Name, scalar.HasDimension ? [1] : []);
        }

        FinalNorm.Check(tensors);
        var known = Names();
        var unknown = tensors.Names.Where(name => !known.Contains(name) && !ignored(name)).Order(StringComparer.Ordinal).Take(4).ToArray();
        if (unknown.Length > 0)
        {
            throw new InvalidDataException(
                $"{tensors.Folder}: this architecture has no tensor {string.Join(", ", unknown)}; "
                + "to leave it out would change the answers.");
        }
    }

    /// <summary>Number of weights, a tied head counted once; what only guesses does not count.</summary>
    public long Parameters(ModelShape shape) => Drafter is not null ? (this with { Drafter = null }).Parameters(shape) :
        Linears().SelectMany(linear => linear.Parts.Select(part => (part, linear.Inputs)))
            .DistinctBy(entry => entry.part.Weight)
            .Sum(entry => ((long)entry.Inputs + (entry.part.Bias is null ? 0 : 1)) * entry.part.Outputs)
        + Norms().Sum(norm => (long)norm.Width * (norm.Bias is null ? 1 : 2))
        + Layers.Sum(layer => (layer.Sinks is null ? 0 : shape.QueryHeads) + layer.Mlp.Scalars.Count + (layer.Recurrence?.Parameters ?? 0))
        + Mixtures.Sum(mixture => (mixture.Correction is null ? 0 : mixture.Settings.Experts)
            + (mixture.ExpertScales is null ? 0 : mixture.Settings.Experts))
        + Layers.Count(layer => layer.StreamScale is not null);

    /// <summary>The mixtures of experts of all layers that have one.</summary>
    public IEnumerable<MixtureWeights> Mixtures => AllLayers.Select(layer => layer.Mlp).OfType<MixtureWeights>();

    /// <summary>All tensors of the graph, and those that may hold several of them.</summary>
    public HashSet<string> KnownNames() =>
    [
        .. Names(), .. Mixtures.SelectMany(mixture => mixture.Stacks).SelectMany(stack => stack.Names),
        .. AllLayers.SelectMany(layer => layer.Stacks).SelectMany(stack => stack.Names),
        .. AllLayers.SelectMany(layer => layer.Latent?.Stacks ?? []),
        .. Norms().Select(norm => norm.Stack).OfType<string>(), .. Mixtures.Select(mixture => mixture.SharedStack).OfType<string>(),
    ];

    /// <summary>All tensors of the graph.</summary>
    public HashSet<string> Names()
    {
        var names = Linears().SelectMany(linear => linear.Parts)
            .SelectMany(part => part.Bias is null ? [part.Weight] : new[] { part.Weight, part.Bias });
        return
        [
            .. names, .. Norms().SelectMany(norm => norm.Names), .. AllLayers.Select(layer => layer.Sinks).OfType<string>(),
            .. AllLayers.SelectMany(layer => layer.Recurrence?.Names ?? []),
            .. AllLayers.SelectMany(layer => layer.Mlp.Scalars).Select(scalar => scalar.Name),
            .. Mixtures.Select(mixture => mixture.Correction).OfType<string>(),
            .. Mixtures.Select(mixture => mixture.ExpertScales).OfType<string>(),
            .. AllLayers.Select(layer => layer.StreamScale).OfType<string>(),
        ];
    }

    /// <summary>All norms.</summary>
    public IEnumerable<NormWeights> Norms() =>
    [
        .. PerLayer is null ? Array.Empty<NormWeights>() : [PerLayer.Norm], .. AllLayers.SelectMany(layer => layer.Norms), FinalNorm,
        .. Drafter?.Norms ?? [],
    ];

    /// <summary>All matrices, tables of rows included.</summary>
    public IEnumerable<LinearWeights> Linears() =>
    [
        Embedding, .. PerLayer is null ? Array.Empty<LinearWeights>() : [PerLayer.Table, PerLayer.Projection],
        .. AllLayers.SelectMany(layer => layer.Linears), Head, .. Drafter is null ? Array.Empty<LinearWeights>() : [Drafter.Projection],
    ];
}

using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>What the graph needs to know of <c>config.json</c>.</summary>
/// <param name="Architecture">The class of transformers, e.g. <c>LlamaForCausalLM</c>.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Norm">Its norms.</param>
/// <param name="Layers">The attention of each layer.</param>
internal sealed record DecoderConfig(string Architecture, ModelShape Shape, NormSettings Norm, IReadOnlyList<LayerAttention> Layers)
{
    /// <summary>Query, key and value add a bias.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>The linear behind attention adds a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>The linears of the MLP add a bias.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The norms of the residual stream add a bias.</summary>
    public bool NormBias { get; init; }

    /// <summary>The norms of the residual stream have weights.</summary>
    public bool HasNormWeights { get; init; } = true;

    /// <summary>What attention and MLP add to the residual stream is normalised first, in families that can.</summary>
    public bool HasAfterNorms { get; init; } = true;

    /// <summary>Queries, keys and values are cut off at this magnitude; 0 leaves them.</summary>
    public double QkvClip { get; init; }

    /// <summary>Attention and MLP read the same normalised stream, and both add to it.</summary>
    public bool IsParallel { get; init; }

    /// <summary>Layers whose MLP is twice as wide.</summary>
    public IReadOnlySet<int> DoubleLayers { get; init; } = new HashSet<int>();

    /// <summary>Embeddings that each layer has of its own; null for none.</summary>
    public PerLayerSettings? PerLayer { get; init; }

    /// <summary>The stream is multiplied by a number behind each layer.</summary>
    public bool HasStreamScales { get; init; }

    /// <summary>The function of the MLP.</summary>
    public Activation Activation { get; init; }

    /// <summary>The mixture of experts of each layer but its dense ones; null where all layers have a plain MLP.</summary>
    public MixtureSettings? Mixture { get; init; }

    /// <summary>Sizes of a latent attention, the same in every layer; null where heads have keys and values.</summary>
    public LatentSettings? Latent { get; init; }

    /// <summary>Factor on the embeddings.</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>Factor on what attention and MLP add to the residual stream.</summary>
    public double ResidualScale { get; init; } = 1;

    /// <summary>Factor on the logits.</summary>
    public double LogitScale { get; init; } = 1;

    /// <summary>Logits become softcap · tanh(logit / softcap); 0 leaves them.</summary>
    public double LogitSoftcap { get; init; }

    /// <summary>The attention of the block that guesses further tokens; null for none.</summary>
    public LayerAttention? Drafter { get; init; }

    /// <summary>What whoever imports should know of the fields that change nothing, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The positions of the first layer that has any.</summary>
    public RotarySettings? Rotary => Layers.FirstOrDefault(layer => layer.Rotary is not null)?.Rotary;

    /// <summary>Width of the MLP of a layer.</summary>
    public int WidthOf(int layer) => Shape.IntermediateSize * (DoubleLayers.Contains(layer) ? 2 : 1);

    /// <summary>Width of a layer's heads.</summary>
    public int HeadSizeOf(int layer) => Layers[layer].HeadSize ?? Shape.HeadSize;

    /// <summary>Key and value heads of a layer.</summary>
    public int KeyValueHeadsOf(int layer) => Layers[layer].KeyValueHeads ?? Shape.KeyValueHeads;

    /// <summary>The mixture of a layer; null where it has a plain MLP.</summary>
    public MixtureSettings? MixtureOf(int layer) => Mixture is { } mixture && !mixture.DenseLayers.Contains(layer) ? mixture : null;

    /// <summary>That block as a decoder: the layer behind the last, and no other kind before it.</summary>
    public DecoderConfig ToDrafter() => this with { Layers = [.. Enumerable.Repeat(Drafter!, Shape.Layers + 1)] };

    /// <summary>The same decoder with other positions in each layer that has any.</summary>
    public DecoderConfig WithRotary(Func<RotarySettings, RotarySettings> change)
    {
        return this with { Layers = [.. Layers.Select(Change)], Drafter = Drafter is null ? null : Change(Drafter) };

        LayerAttention Change(LayerAttention layer) => layer.Rotary is { } rotary ? layer with { Rotary = change(rotary) } : layer;
    }
}

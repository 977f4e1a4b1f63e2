namespace Parley.ModelImporter.Architectures;

/// <summary>The weights of one decoder layer, in the order of the computation.</summary>
/// <param name="Qkv">Query, key and value; what a layer without attention reads.</param>
/// <param name="AttentionOutput">From the heads back to the residual stream.</param>
/// <param name="Mlp">The MLP.</param>
internal sealed record DecoderLayerWeights(LinearWeights Qkv, LinearWeights AttentionOutput, MlpWeights Mlp)
{
    private const int InputsMultiple = PackageFormat.QuantizedLinearLayout.InputsMultiple;

    /// <summary>Before attention; null for none.</summary>
    public NormWeights? AttentionNorm { get; init; }

    /// <summary>Of the queries; null for none.</summary>
    public NormWeights? QueryNorm { get; init; }

    /// <summary>Of the keys; null for none.</summary>
    public NormWeights? KeyNorm { get; init; }

    /// <summary>Of what attention adds to the residual stream; null for none.</summary>
    public NormWeights? AttentionAfterNorm { get; init; }

    /// <summary>Before the MLP; null for none, and for that of attention where both read the same.</summary>
    public NormWeights? MlpNorm { get; init; }

    /// <summary>Of what the MLP adds to the residual stream; null for none.</summary>
    public NormWeights? MlpAfterNorm { get; init; }

    /// <summary>Tensor [query heads]; null for none.</summary>
    public string? Sinks { get; init; }

    /// <summary>What a layer without attention has beside its linears; null for attention.</summary>
    public RecurrenceWeights? Recurrence { get; init; }

    /// <summary>Matrices that a checkpoint may have for several linears, or parts, of the layer.</summary>
    public IReadOnlyList<TurnStack> Stacks { get; init; } = [];

    /// <summary>How the layer's own embeddings come in; null for none.</summary>
    public PerLayerInput? PerLayer { get; init; }

    /// <summary>Tensor [1] that the stream is multiplied with behind the layer; null for none.</summary>
    public string? StreamScale { get; init; }

    /// <summary>What a latent attention has between its first and last linear; null for others.</summary>
    public LatentWeights? Latent { get; init; }

    public IReadOnlyList<LinearWeights> Linears =>
    [
        Qkv, .. Latent?.Linears ?? [], AttentionOutput, .. Recurrence?.Linears ?? [], .. Mlp.Linears, .. PerLayer?.Linears ?? [],
    ];

    /// <summary>
    /// Those that a text goes through one after the other: the others stand beside one of them, and a latent's expansion is of its heads.
    /// </summary>
    public IReadOnlyList<LinearWeights> Walked =>
    [
        Qkv, .. Latent?.QueryUp is { } queryUp ? [queryUp] : Array.Empty<LinearWeights>(), AttentionOutput,
        .. (Mlp as MixtureWeights)?.Walked ?? Mlp.Linears, .. PerLayer?.Linears ?? [],
    ];

    /// <summary>
    /// Those that a precision rounds: all but routers, the gate of a shared MLP and what is too narrow for codes, which stay as they are,
    /// the small ones of a recurrence, and a latent's expansion.
    /// </summary>
    public IEnumerable<LinearWeights> Rounded => Walked.Where(linear =>
        linear != (Mlp as MixtureWeights)?.Router && (linear != PerLayer?.Projection || linear.Inputs % InputsMultiple == 0));

    /// <summary>All norms that there are.</summary>
    public IEnumerable<NormWeights> Norms =>
        new[] { AttentionNorm, QueryNorm, KeyNorm, AttentionAfterNorm, MlpNorm, MlpAfterNorm, PerLayer?.AfterNorm }.OfType<NormWeights>()
            .Concat((Mlp as MixtureWeights)?.Sandwich?.All ?? []).Concat(Latent?.Norms ?? []);
}

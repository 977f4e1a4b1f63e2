namespace Parley.ModelImporter.Architectures;

/// <summary>The weights of one decoder layer, in the order of the computation.</summary>
/// <param name="Qkv">Query, key and value; what a layer without attention reads.</param>
/// <param name="AttentionOutput">From the heads back to the residual stream.</param>
/// <param name="Mlp">The MLP.</param>
internal sealed record DecoderLayerWeights(LinearWeights Qkv, LinearWeights AttentionOutput, MlpWeights Mlp)
{
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

    /// <summary>What a latent attention has between its first and last linear; null for others.</summary>
    public LatentWeights? Latent { get; init; }

    public IReadOnlyList<LinearWeights> Linears => [Qkv, .. Latent?.Linears ?? [], AttentionOutput, .. Mlp.Linears];

    /// <summary>Those that a precision rounds as it says: all but routers, which stay as they are, and a latent's expansion.</summary>
    public IEnumerable<LinearWeights> Rounded =>
        Mlp is MixtureWeights mixture ? Calibrated.Where(linear => linear != mixture.Router) : Calibrated;

    /// <summary>Those that a text goes past one by one: all but a latent's expansion.</summary>
    public IEnumerable<LinearWeights> Calibrated =>
        Latent is null ? Linears : [Qkv, .. Latent.QueryUp is null ? [] : new[] { Latent.QueryUp }, AttentionOutput, .. Mlp.Linears];

    /// <summary>All norms that there are.</summary>
    public IEnumerable<NormWeights> Norms =>
        new[] { AttentionNorm, QueryNorm, KeyNorm, AttentionAfterNorm, MlpNorm, MlpAfterNorm }.OfType<NormWeights>()
            .Concat(Latent?.Norms ?? []);
}

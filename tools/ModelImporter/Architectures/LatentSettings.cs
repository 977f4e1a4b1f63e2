namespace Parley.ModelImporter.Architectures;

/// <summary>Sizes of an attention whose keys and values are functions of one latent per token.</summary>
/// <param name="QueryRank">Numbers that queries are made of; null where they are made of the residual stream.</param>
/// <param name="Rank">Numbers of the latent.</param>
/// <param name="PlainSize">Numbers of a query or key that do not turn; the first of it.</param>
/// <param name="RotarySize">Numbers behind them that turn; those of keys are the same for all heads.</param>
/// <param name="ValueSize">Numbers of a value.</param>
internal sealed record LatentSettings(int? QueryRank, int Rank, int PlainSize, int RotarySize, int ValueSize)
{
    /// <summary>Numbers of a query.</summary>
    public int QuerySize => PlainSize + RotarySize;

    /// <summary>The norms of what queries are made of, and of the latent: the class's own, whatever the configuration says.</summary>
    public static NormSettings Norm { get; } = new(NormKind.RootMeanSquare, 1e-6f, AddsOne: false);
}

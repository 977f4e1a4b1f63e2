namespace Parley.ModelImporter.Architectures;

/// <summary>What the attention of one layer does.</summary>
/// <param name="Rotary">Its positions; null where it has none.</param>
/// <param name="Scale">Factor on query · key.</param>
internal sealed record LayerAttention(RotarySettings? Rotary, double Scale)
{
    /// <summary>Positions that a token attends to, itself included; 0 is all.</summary>
    public int Window { get; init; }

    /// <summary>Scores become softcap · tanh(score / softcap); 0 leaves them.</summary>
    public double Softcap { get; init; }

    /// <summary>Norms of queries and keys; null for none.</summary>
    public HeadNorm? HeadNorm { get; init; }

    /// <summary>Queries are multiplied by 1 + this · ln(1 + ⌊position / <see cref="QueryPositions"/>⌋); 0 leaves them.</summary>
    public double QueryBeta { get; init; }

    /// <summary>Positions over which the factor of <see cref="QueryBeta"/> stays the same.</summary>
    public int QueryPositions { get; init; }

    /// <summary>Each head of the result is multiplied by the sigmoid of a number that comes of the layer's input.</summary>
    public bool HasHeadGate { get; init; }

    /// <summary>What the layer does in the place of attention; null for attention.</summary>
    public LayerRecurrence? Recurrence { get; init; }

    /// <summary>Each query head has a logit of its own that takes part in the softmax and has no value.</summary>
    public bool HasSinks { get; init; }
}

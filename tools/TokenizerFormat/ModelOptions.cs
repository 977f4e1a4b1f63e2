namespace Parley.TokenizerFormat;

/// <summary>The options of a BPE model in tokenizer.json.</summary>
/// <param name="UnknownToken">Stands for a character without a token; null drops the character.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters become one token.</param>
/// <param name="ByteFallback">An unknown character becomes its bytes, <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>.</param>
/// <param name="IgnoreMerges">A piece that is a token is taken as it is, whatever the merges say.</param>
internal sealed record ModelOptions(string? UnknownToken, bool FuseUnknown, bool ByteFallback, bool IgnoreMerges)
{
    /// <summary>The longest affix that is read, in UTF-16 code units; those of known vocabularies have two to four.</summary>
    public const int AffixCharactersMax = 32;

    /// <summary>Stands before every symbol of a piece but its first, e.g. <c>##</c>; empty for none.</summary>
    public string ContinuingSubwordPrefix { get; init; } = "";

    /// <summary>Stands after the last symbol of a piece, e.g. CLIP's <c>&lt;/w&gt;</c>; empty for none.</summary>
    public string EndOfWordSuffix { get; init; } = "";

    public bool HasAffixes => ContinuingSubwordPrefix.Length > 0 || EndOfWordSuffix.Length > 0;
}

namespace Parley.Tokenizer.Detokenization;

/// <summary>How the ids of one sequence become text.</summary>
/// <param name="Stops">Strings that end the text, none empty.</param>
/// <param name="SkipSpecialTokens">Special tokens are left out of the text; stops see them all the same.</param>
/// <param name="IncludeStop">The stop that ends the text is part of it.</param>
/// <param name="PrefixIds">What stands before the sequence where it continues a text; its end will do.</param>
/// <param name="MinTokens">Stops that are complete within so many tokens are text.</param>
/// <param name="MarksSpecialTokens">Special tokens that would be skipped are part of the text, and it is told where.</param>
internal sealed record SequenceSettings(
    IReadOnlyList<string> Stops, bool SkipSpecialTokens, bool IncludeStop, IReadOnlyList<uint> PrefixIds, int MinTokens,
    bool MarksSpecialTokens = false);

namespace Parley.TokenizerFormat;

/// <summary>What a Unigram model has besides its vocabulary.</summary>
/// <param name="Values">The logarithmic score of each id.</param>
/// <param name="UnknownId">The id of what no token covers; −1 where that is an error.</param>
internal sealed record UnigramScores(double[] Values, int UnknownId);

namespace Parley.Cli.Bench.Serve;

/// <summary>How a request ended.</summary>
/// <param name="PromptTokens">As the server counted them; 0 where it did not.</param>
/// <param name="CachedTokens">Of them, found in its cache.</param>
/// <param name="CompletionTokens">As the server counted them; null where it did not.</param>
/// <param name="Failure">The kind of its failure in few words; null when it ended well.</param>
/// <param name="Detail">What the server said about it.</param>
internal readonly record struct ChatAnswer(
    int PromptTokens, int CachedTokens, int? CompletionTokens, string? Failure = null, string Detail = "")
{
    public static ChatAnswer Failed(string kind, string detail = "") => new(0, 0, null, kind, detail);
}

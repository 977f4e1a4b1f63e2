namespace Parley.Cli.Bench.Serve;

/// <summary>What every request of a load asks for.</summary>
/// <param name="Model">Served name; empty asks the server for its first.</param>
/// <param name="Temperature">0 is greedy; null leaves it to the server.</param>
/// <param name="IgnoreEos">Answers go on to the last token, where the server takes that.</param>
/// <param name="DraftTokens">Tokens to guess per step, where the server takes that; null leaves it to the server.</param>
internal sealed record ChatRequestSettings(string Model, double? Temperature, bool IgnoreEos, int? DraftTokens);

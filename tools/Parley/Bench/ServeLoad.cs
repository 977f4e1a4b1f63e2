namespace Parley.Cli.Bench;

/// <summary>What each stream of a load level asks for.</summary>
/// <param name="RequestsPerStream">Requests, one after the other.</param>
/// <param name="PromptWords">Words of each prompt.</param>
/// <param name="AnswerTokensMax">Tokens of each answer.</param>
internal sealed record ServeLoad(int RequestsPerStream, int PromptWords, int AnswerTokensMax);

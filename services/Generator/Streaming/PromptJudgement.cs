using Parley.Generator.Sampling;

namespace Parley.Generator.Streaming;

/// <summary>Some tokens of the prompt in a row, judged.</summary>
/// <param name="Start">Place of the first of them.</param>
/// <param name="Tokens">One for each.</param>
internal sealed record PromptJudgement(int Start, IReadOnlyList<PromptTokenDetail> Tokens);

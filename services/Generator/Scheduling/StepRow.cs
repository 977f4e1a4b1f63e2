using Parley.Generator.Sequences;

namespace Parley.Generator.Scheduling;

/// <summary>A sequence's part of a step.</summary>
/// <param name="Sequence">Whose.</param>
/// <param name="NewTokens">Tokens that it reads, from its CachedLength on.</param>
/// <param name="WantsLogits">They reach its end, so the next token is sampled.</param>
internal readonly record struct StepRow(Sequence Sequence, int NewTokens, bool WantsLogits);

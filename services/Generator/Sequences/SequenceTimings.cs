namespace Parley.Generator.Sequences;

/// <summary>Where the time of one sequence went.</summary>
/// <param name="Queue">From acceptance to the first step.</param>
/// <param name="Prefill">From there to the first token.</param>
/// <param name="Decode">From there to the end.</param>
internal readonly record struct SequenceTimings(TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode);

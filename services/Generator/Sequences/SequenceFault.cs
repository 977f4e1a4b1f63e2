namespace Parley.Generator.Sequences;

/// <summary>A sequence whose own part of a step threw: the engine ends it and nobody else.</summary>
/// <param name="Sequence">Whose part.</param>
/// <param name="Exception">For the log.</param>
internal readonly record struct SequenceFault(Sequence Sequence, Exception Exception);

namespace Parley.Generator.Execution.Cuda;

/// <summary>The sizes that a step's tensors follow from.</summary>
/// <param name="Tokens">New tokens over all sequences.</param>
/// <param name="Sequences">Sequences.</param>
/// <param name="LogitRows">Rows of logits; at least one.</param>
/// <param name="TableWidth">Columns of the block table.</param>
internal readonly record struct StepSize(int Tokens, int Sequences, int LogitRows, int TableWidth);

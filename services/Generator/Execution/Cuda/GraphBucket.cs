namespace Parley.Generator.Execution.Cuda;

/// <summary>The one shape of step that a captured CUDA graph can replay.</summary>
/// <param name="Id">Its id at ONNX Runtime, from 1 on: 0 is reserved, −1 is not captured.</param>
/// <param name="Sequences">Sequences, each with one new token and one row of logits.</param>
/// <param name="TableWidth">Columns of the block table.</param>
internal sealed record GraphBucket(int Id, int Sequences, int TableWidth);

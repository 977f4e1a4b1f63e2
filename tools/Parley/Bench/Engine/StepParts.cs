namespace Parley.Cli.Bench.Engine;

/// <summary>Where the time of a decode step goes: means over some steps, with the cost of looking included.</summary>
/// <param name="Sequences">Sequences of the step.</param>
/// <param name="Past">Tokens of each in the cache.</param>
/// <param name="AttentionMs">Attention of all layers.</param>
/// <param name="LinearsMs">Linears of all layers, gates included.</param>
/// <param name="ExpertsMs">Mixtures of experts of all layers.</param>
/// <param name="HeadMs">The head.</param>
/// <param name="NormsMs">Norms and residual sums.</param>
/// <param name="EmbeddingMs">Embedding, and the choice of the rows that want logits.</param>
/// <param name="OtherNodesMs">All other nodes.</param>
/// <param name="BetweenNodesMs">Within the run, but in no node.</param>
/// <param name="StepMs">The whole run.</param>
/// <param name="SamplingMs">Greedy choice of all sequences' tokens, behind the run.</param>
internal sealed record StepParts(
    int Sequences, int Past, double AttentionMs, double LinearsMs, double ExpertsMs, double HeadMs, double NormsMs, double EmbeddingMs,
    double OtherNodesMs, double BetweenNodesMs, double StepMs, double SamplingMs);
